-- Staging. Grain: one row per person, attributes of a task now, and day with a change, without the new events.
-- known_people: all rows that the touched people have had so far with the measures hour and profile.
SELECT user_id, category, priority, status, day
FROM known_people
WHERE measure IN ('hour', 'profile')
GROUP BY user_id, category, priority, status, day
HAVING CAST(sum(n) AS bigint) > 0
