-- Grain: one row per person, category, priority and status of a task now, day, measure and key: what a run adds to what
-- the person's tasks and profile tell. n: see told.sql. month: of the day, within bounds that no odd date leaves.
WITH both AS (
  SELECT user_id, category, priority, status, day, measure, key, n FROM told_after
  UNION ALL
  SELECT user_id, category, priority, status, day, measure, key, -n FROM told_before
)
SELECT user_id, category, priority, status, day, measure, key, CAST(sum(n) AS bigint) AS n,
  substring(CAST(least(greatest(day, DATE '2000-01-01'), DATE '2099-12-31') AS string), 1, 7) AS month
FROM both
GROUP BY user_id, category, priority, status, day, measure, key
HAVING CAST(sum(n) AS bigint) <> 0
