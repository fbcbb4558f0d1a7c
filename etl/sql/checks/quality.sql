-- Grain: one row per check of a snapshot before it is published. failures: how many rows or figures are wrong (0 = holds);
-- examined: how many were looked at.
--
-- Reads Silver's tables and every table of Gold. No check depends on all events being there: late ones are normal.
WITH repeated AS (
  SELECT 'Every event is there once' AS name, CAST(count(*) AS bigint) AS all_rows,
    CAST(count(DISTINCT event_id) AS bigint) AS distinct_rows FROM task_events
  UNION ALL
  SELECT 'Every task is there once', CAST(count(*) AS bigint),
    CAST(count(DISTINCT concat(user_id, '#', task_id)) AS bigint) FROM tasks
  UNION ALL
  SELECT 'Every profile is there once', CAST(count(*) AS bigint), CAST(count(DISTINCT user_id) AS bigint) FROM users
  UNION ALL
  SELECT 'Every user has one row of figures', CAST(count(*) AS bigint),
    CAST(count(DISTINCT user_id) AS bigint) FROM user_analytics
  UNION ALL
  SELECT 'Every metric is there once', CAST(count(*) AS bigint),
    CAST(count(DISTINCT metric) AS bigint) FROM business_metrics_kpis
  UNION ALL
  SELECT 'Every day is there once', CAST(count(*) AS bigint), CAST(count(DISTINCT day) AS bigint) FROM daily_throughput
), orphans AS (
  SELECT 'Every task has its event' AS name, t.event_id AS wanted, e.event_id AS found
  FROM tasks t LEFT JOIN task_events e ON e.event_id = t.event_id
  UNION ALL
  SELECT 'Every profile has its event', u.event_id, e.event_id
  FROM users u LEFT JOIN task_events e ON e.event_id = u.event_id
  UNION ALL
  SELECT 'Every user with tasks has figures', m.user_id, a.user_id
  FROM task_analytics_user_metrics m LEFT JOIN user_analytics a ON a.user_id = m.user_id
), live AS (
  SELECT CAST(count(*) AS bigint) AS total, CAST(count_if(status = 'completed') AS bigint) AS completed FROM tasks
), people AS (
  SELECT CAST(count(*) AS bigint) AS total FROM users
), last_day AS (
  SELECT max(day) AS day FROM cumulative_flow
), totals AS (
  SELECT 'Total tasks equal Silver' AS name, CAST(l.total AS double) AS wanted, k.value AS found
  FROM live l LEFT JOIN business_metrics_kpis k ON k.metric = 'total_tasks'
  UNION ALL
  SELECT 'Completed tasks equal Silver', CAST(l.completed AS double), k.value
  FROM live l LEFT JOIN business_metrics_kpis k ON k.metric = 'completed_tasks'
  UNION ALL
  SELECT 'Total users equal Silver', CAST(p.total AS double), k.value
  FROM people p LEFT JOIN business_metrics_kpis k ON k.metric = 'total_users'
  UNION ALL
  SELECT 'Tasks by user add up', CAST(l.total AS double), m.total
  FROM live l CROSS JOIN (SELECT coalesce(CAST(sum(total_tasks) AS double), 0.0D) AS total FROM task_analytics_user_metrics) m
  UNION ALL
  SELECT 'Tasks by category add up', CAST(l.total AS double), c.total
  FROM live l CROSS JOIN (SELECT coalesce(CAST(sum(total_tasks) AS double), 0.0D) AS total FROM task_analytics_category_trends) c
  UNION ALL
  SELECT 'Tasks by status add up at the end', CAST(l.total AS double), f.total
  FROM live l CROSS JOIN (
    SELECT coalesce(CAST(sum(c.tasks) AS double), 0.0D) AS total FROM cumulative_flow c JOIN last_day d ON d.day = c.day) f
  UNION ALL
  SELECT 'Completed tasks each have a time', CAST(l.completed AS double), t.total
  FROM live l CROSS JOIN (SELECT CAST(count(*) AS double) AS total FROM completion_times) t
  UNION ALL
  SELECT 'Existing tasks equal Silver', CAST(l.total AS double), t.total
  FROM live l CROSS JOIN (SELECT CAST(count_if(deleted = 0) AS double) AS total FROM task_facts) t
  UNION ALL
  SELECT 'Changes are counted once', CAST(k.value AS double), t.total
  FROM business_metrics_kpis k CROSS JOIN (SELECT CAST(count(*) AS double) AS total FROM change_facts) t
  WHERE k.metric = 'total_events'
), ranges AS (
  SELECT 'Rates lie between 0 and 1' AS name, completion_rate AS value FROM task_analytics_user_metrics
  UNION ALL
  SELECT 'Rates lie between 0 and 1', rate FROM retention_cohorts
)
SELECT name, all_rows - distinct_rows AS failures, all_rows AS examined FROM repeated
UNION ALL
SELECT name, CAST(count_if(wanted IS NOT NULL AND found IS NULL) AS bigint), CAST(count(*) AS bigint)
FROM orphans GROUP BY name
UNION ALL
SELECT name, CAST(CASE WHEN wanted <=> found THEN 0 ELSE 1 END AS bigint), CAST(1 AS bigint) FROM totals
UNION ALL
SELECT name, CAST(count_if(NOT coalesce(value >= 0.0D AND value <= 1.0D, false)) AS bigint), CAST(count(*) AS bigint)
FROM ranges GROUP BY name
