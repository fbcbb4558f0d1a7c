-- Staging. Grain: one row per cell, day, measure and key: what people's rows add up to. In a cell each of category,
-- priority and status has a value, or is empty: any. Profiles count where all three are any.
WITH choices AS (
  SELECT of_category, of_priority, of_status
  FROM VALUES (0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1)
    AS grid(of_category, of_priority, of_status)
), cells AS (
  SELECT category, priority, status, day, measure, key, CAST(sum(n) AS bigint) AS n
  FROM people
  GROUP BY category, priority, status, day, measure, key
), spread AS (
  SELECT
    CASE WHEN k.of_category = 1 THEN c.category ELSE '' END AS category,
    CASE WHEN k.of_priority = 1 THEN c.priority ELSE '' END AS priority,
    CASE WHEN k.of_status = 1 THEN c.status ELSE '' END AS status,
    c.day, c.measure, c.key, c.n
  FROM cells c CROSS JOIN choices k
  WHERE c.category <> '' OR k.of_category + k.of_priority + k.of_status = 0
)
SELECT category, priority, status, day, measure, key, CAST(sum(n) AS bigint) AS n
FROM spread
GROUP BY category, priority, status, day, measure, key
HAVING CAST(sum(n) AS bigint) <> 0
