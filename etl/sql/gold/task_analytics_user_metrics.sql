-- Grain: one row per user with at least one task now.
--
-- total_tasks               tasks that exist now; the trash is not counted.
-- completed_tasks … cancelled_tasks  those with that status now.
-- overdue_tasks             pending or in progress with a due date before today.
-- completion_rate           completed_tasks / total_tasks, 0 to 1.
-- pNN_hours_to_complete     hours from created to completed that NN % of the user's completed tasks did not exceed
--                           (the smallest such observed value); null without completed tasks.
-- first_task_date, last_task_date  reporting day the oldest and the newest of these tasks was created.
SELECT
  user_id,
  CAST(count(*) AS bigint) AS total_tasks,
  CAST(count_if(status = 'completed') AS bigint) AS completed_tasks,
  CAST(count_if(status = 'pending') AS bigint) AS pending_tasks,
  CAST(count_if(status = 'in_progress') AS bigint) AS in_progress_tasks,
  CAST(count_if(status = 'cancelled') AS bigint) AS cancelled_tasks,
  CAST(count_if(is_overdue) AS bigint) AS overdue_tasks,
  CAST(count_if(status = 'completed') AS double) / CAST(count(*) AS double) AS completion_rate,
  CAST(percentile_disc(0.5) WITHIN GROUP (ORDER BY lead_micros) AS double) / 3.6E9D AS p50_hours_to_complete,
  CAST(percentile_disc(0.85) WITHIN GROUP (ORDER BY lead_micros) AS double) / 3.6E9D AS p85_hours_to_complete,
  CAST(percentile_disc(0.95) WITHIN GROUP (ORDER BY lead_micros) AS double) / 3.6E9D AS p95_hours_to_complete,
  min(created_day) AS first_task_date,
  max(created_day) AS last_task_date
FROM lives
GROUP BY user_id
