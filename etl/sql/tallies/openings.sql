-- Staging. Grain: one row per cell, month (day: its first), level and key: the level at the opening of the month, up to
-- the month :month: the sum of all earlier steps. Openings add up as steps do, so those of what a run adds are what it adds
-- to the openings. A day before 2000 is in the opening of that year.
WITH monthly AS (
  SELECT category, priority, status, measure, key,
    CAST(concat(substring(CAST(least(greatest(day, DATE '1999-12-01'), DATE '2099-12-31') AS string), 1, 7), '-01') AS date)
      AS month,
    CAST(sum(n) AS bigint) AS n
  FROM steps
  WHERE measure IN ('active', 'overdue', 'profiles', 'tasks') OR substring(measure, 1, 3) = 'is_'
  GROUP BY category, priority, status, measure, key,
    CAST(concat(substring(CAST(least(greatest(day, DATE '1999-12-01'), DATE '2099-12-31') AS string), 1, 7), '-01') AS date)
), bounds AS (
  SELECT least(min(month), CAST(:month AS date)) AS first_month FROM monthly
), calendar AS (
  SELECT explode(sequence(first_month, CAST(:month AS date), INTERVAL 1 MONTH)) AS month FROM bounds
), later AS (
  SELECT CAST(month AS date) AS month FROM calendar
), opened AS (
  SELECT m.category, m.priority, m.status, l.month, m.measure, m.n,
    CASE WHEN m.measure IN ('is_pending', 'is_in_progress', 'overdue')
         THEN greatest(m.key, CAST(datediff(l.month, DATE '1970-01-01') AS bigint) - 90) ELSE m.key END AS key
  FROM monthly m
  JOIN later l ON l.month > m.month
)
SELECT category, priority, status, month AS day, concat('opening_', measure) AS measure, key, CAST(sum(n) AS bigint) AS n
FROM opened
GROUP BY category, priority, status, month, measure, key
HAVING CAST(sum(n) AS bigint) <> 0
