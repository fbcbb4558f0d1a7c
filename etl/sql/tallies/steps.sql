-- Staging. Grain: one row per cell, day, measure and key: what a run adds to the cells, openings aside.
WITH both AS (
  SELECT category, priority, status, day, measure, key, n FROM rolled
  UNION ALL
  SELECT category, priority, status, day, measure, key, n FROM attendance_after
  UNION ALL
  SELECT category, priority, status, day, measure, key, -n FROM attendance_before
)
SELECT category, priority, status, day, measure, key, CAST(sum(n) AS bigint) AS n
FROM both
GROUP BY category, priority, status, day, measure, key
HAVING CAST(sum(n) AS bigint) <> 0
