-- Grain: one row per change of a task or profile (n = 1, or how many are alike) and, where a run changes what is said of
-- it, as it was said before (n = -1). month: of the day, within bounds that no odd date leaves.
WITH both AS (
  SELECT *, CAST(1 AS bigint) AS n FROM change_said_after
  UNION ALL
  SELECT *, CAST(-1 AS bigint) AS n FROM change_said_before
)
SELECT
  user_id, task_id, category, priority, tags, created_day, changed_at, day, hour, next_day, status, due_date,
  created, completed, undone, reopened, cancelled, deleted, restored, opens, CAST(sum(n) AS bigint) AS n,
  substring(CAST(least(greatest(day, DATE '2000-01-01'), DATE '2099-12-31') AS string), 1, 7) AS month
FROM both
GROUP BY
  user_id, task_id, category, priority, tags, created_day, changed_at, day, hour, next_day, status, due_date,
  created, completed, undone, reopened, cancelled, deleted, restored, opens
HAVING CAST(sum(n) AS bigint) <> 0
