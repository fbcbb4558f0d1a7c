-- Grain: one row per task as it is now (n = 1) and, where a run changes it, as it was before (n = -1).
-- month: of the completion; 'open' for open tasks, 'closed' for all others.
WITH both AS (
  SELECT *, CAST(1 AS bigint) AS n FROM task_said_after
  UNION ALL
  SELECT *, CAST(-1 AS bigint) AS n FROM task_said_before
)
SELECT
  user_id, task_id, title, tags, category, priority, status, deleted, due_date, created_at, created_day, started_at,
  completed_at, completed_day, lead_micros, cycle_micros, CAST(sum(n) AS bigint) AS n,
  CASE WHEN completed_day IS NOT NULL
       THEN substring(CAST(least(greatest(completed_day, DATE '2000-01-01'), DATE '2099-12-31') AS string), 1, 7)
       WHEN deleted = 0 AND status IN ('pending', 'in_progress') THEN 'open' ELSE 'closed' END AS month
FROM both
GROUP BY
  user_id, task_id, title, tags, category, priority, status, deleted, due_date, created_at, created_day, started_at,
  completed_at, completed_day, lead_micros, cycle_micros
HAVING CAST(sum(n) AS bigint) <> 0
