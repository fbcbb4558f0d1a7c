-- Grain: one row per weekday (1 = Monday … 7 = Sunday) and hour (0 to 23) of the reporting timezone, empty ones included.
-- events: changes to tasks and profiles made then, over all time.
WITH counted AS (
  SELECT
    CAST(pmod(datediff(day, DATE '1970-01-05'), 7) + 1 AS int) AS weekday, hour,
    CAST(count(*) AS bigint) AS events
  FROM changes
  GROUP BY CAST(pmod(datediff(day, DATE '1970-01-05'), 7) + 1 AS int), hour
), weekdays AS (
  SELECT explode(sequence(1, 7)) AS weekday
), hours AS (
  SELECT explode(sequence(0, 23)) AS hour
)
SELECT CAST(w.weekday AS int) AS weekday, CAST(h.hour AS int) AS hour, coalesce(c.events, CAST(0 AS bigint)) AS events
FROM weekdays w
CROSS JOIN hours h
LEFT JOIN counted c ON c.weekday = CAST(w.weekday AS int) AND c.hour = CAST(h.hour AS int)
