-- Grain: one row per reporting day of the calendar and status.
-- tasks: how many tasks had that status at the end of the day. On the last day this is what the table holds.
WITH steps AS (
  SELECT day, status, 1 AS step FROM changes WHERE entity_type = 'TASK' AND status IS NOT NULL
  UNION ALL
  SELECT next_day AS day, status, -1 AS step FROM changes
  WHERE entity_type = 'TASK' AND status IS NOT NULL AND next_day IS NOT NULL
), daily AS (
  SELECT day, status, CAST(sum(step) AS bigint) AS step FROM steps GROUP BY day, status
), statuses AS (
  SELECT status FROM daily
  UNION
  SELECT status FROM VALUES ('pending'), ('in_progress'), ('completed'), ('cancelled') AS always(status)
)
SELECT
  c.day, s.status,
  CAST(sum(coalesce(d.step, CAST(0 AS bigint))) OVER (
    PARTITION BY s.status ORDER BY c.day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS bigint) AS tasks
FROM calendar c
CROSS JOIN statuses s
LEFT JOIN daily d ON d.day = c.day AND d.status = s.status
