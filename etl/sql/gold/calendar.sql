-- Staging. Grain: one row per reporting day, without gaps, from the first change to today (or to the last change, where
-- a writer's clock runs ahead).
WITH bounds AS (
  SELECT
    least(min(day), CAST(:today AS date)) AS first_day,
    greatest(max(day), CAST(:today AS date)) AS last_day
  FROM changes
), days AS (
  SELECT explode(sequence(first_day, last_day, INTERVAL 1 DAY)) AS day
  FROM bounds
)
SELECT CAST(day AS date) AS day
FROM days
