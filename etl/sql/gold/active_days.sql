-- Staging. Grain: one row per user and reporting day with at least one change; next_day is the user's next such day.
WITH days AS (
  SELECT DISTINCT user_id, day FROM changes
)
SELECT user_id, day, lead(day) OVER (PARTITION BY user_id ORDER BY day) AS next_day
FROM days
