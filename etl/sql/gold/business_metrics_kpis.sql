-- Grain: one row per metric: the business as it stands now.
--
-- total_users            profiles that exist now.
-- active_users           users with a change in the last 30 reporting days, today included (the same as mau).
-- total_tasks            tasks that exist now; completed_, pending_, in_progress_, cancelled_tasks: with that status.
-- open_tasks             pending or in progress; overdue_tasks: open with a due date before today.
-- completion_rate        completed_tasks / total_tasks, 0 to 1; avg_tasks_per_user: total_tasks / total_users.
-- dau, wau, mau          users with a change today, in the last 7, in the last 30 reporting days.
-- stickiness             dau / mau.
-- p50_, p85_, p95_hours_to_complete  over all completed tasks, as in task_analytics_user_metrics.
-- total_events           changes, ever.
-- Where a denominator is 0 the metric is 0.
WITH people AS (
  SELECT CAST(count(*) AS double) AS total_users FROM users
), work AS (
  SELECT
    CAST(count(*) AS double) AS total_tasks,
    CAST(count_if(status = 'completed') AS double) AS completed_tasks,
    CAST(count_if(status = 'pending') AS double) AS pending_tasks,
    CAST(count_if(status = 'in_progress') AS double) AS in_progress_tasks,
    CAST(count_if(status = 'cancelled') AS double) AS cancelled_tasks,
    CAST(count_if(is_open) AS double) AS open_tasks,
    CAST(count_if(is_overdue) AS double) AS overdue_tasks,
    CAST(percentile_disc(0.5) WITHIN GROUP (ORDER BY lead_micros) AS double) / 3.6E9D AS p50_hours,
    CAST(percentile_disc(0.85) WITHIN GROUP (ORDER BY lead_micros) AS double) / 3.6E9D AS p85_hours,
    CAST(percentile_disc(0.95) WITHIN GROUP (ORDER BY lead_micros) AS double) / 3.6E9D AS p95_hours
  FROM lives
), activity AS (
  SELECT
    CAST(count(DISTINCT CASE WHEN day = CAST(:today AS date) THEN user_id END) AS double) AS dau,
    CAST(count(DISTINCT CASE WHEN day > date_sub(CAST(:today AS date), 7) THEN user_id END) AS double) AS wau,
    CAST(count(DISTINCT CASE WHEN day > date_sub(CAST(:today AS date), 30) THEN user_id END) AS double) AS mau
  FROM active_days
  WHERE day <= CAST(:today AS date)
), history AS (
  SELECT CAST(count(*) AS double) AS total_events FROM changes
), wide AS (
  SELECT * FROM people CROSS JOIN work CROSS JOIN activity CROSS JOIN history
)
SELECT 'total_users' AS metric, total_users AS value FROM wide
UNION ALL SELECT 'active_users', mau FROM wide
UNION ALL SELECT 'total_tasks', total_tasks FROM wide
UNION ALL SELECT 'completed_tasks', completed_tasks FROM wide
UNION ALL SELECT 'pending_tasks', pending_tasks FROM wide
UNION ALL SELECT 'in_progress_tasks', in_progress_tasks FROM wide
UNION ALL SELECT 'cancelled_tasks', cancelled_tasks FROM wide
UNION ALL SELECT 'open_tasks', open_tasks FROM wide
UNION ALL SELECT 'overdue_tasks', overdue_tasks FROM wide
UNION ALL SELECT 'completion_rate', coalesce(completed_tasks / nullif(total_tasks, 0.0D), 0.0D) FROM wide
UNION ALL SELECT 'avg_tasks_per_user', coalesce(total_tasks / nullif(total_users, 0.0D), 0.0D) FROM wide
UNION ALL SELECT 'dau', dau FROM wide
UNION ALL SELECT 'wau', wau FROM wide
UNION ALL SELECT 'mau', mau FROM wide
UNION ALL SELECT 'stickiness', coalesce(dau / nullif(mau, 0.0D), 0.0D) FROM wide
UNION ALL SELECT 'p50_hours_to_complete', coalesce(p50_hours, 0.0D) FROM wide
UNION ALL SELECT 'p85_hours_to_complete', coalesce(p85_hours, 0.0D) FROM wide
UNION ALL SELECT 'p95_hours_to_complete', coalesce(p95_hours, 0.0D) FROM wide
UNION ALL SELECT 'total_events', total_events FROM wide
