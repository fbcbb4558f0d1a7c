-- Staging. Grain: one row per person, attributes of a task now, and day with a change, with the new events.
WITH both AS (
  SELECT user_id, category, priority, status, day, measure, n FROM known_people
  UNION ALL
  SELECT user_id, category, priority, status, day, measure, n FROM people
)
SELECT user_id, category, priority, status, day
FROM both
WHERE measure IN ('hour', 'profile')
GROUP BY user_id, category, priority, status, day
HAVING CAST(sum(n) AS bigint) > 0
