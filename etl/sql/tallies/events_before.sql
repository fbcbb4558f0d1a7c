-- Staging. Grain: one row per event of the touched items, without the new ones.
-- known_events: the history before the new events; an event of both is new.
WITH touched AS (
  SELECT DISTINCT user_id, sk FROM new_events
)
SELECT k.*
FROM known_events k
JOIN touched t ON t.user_id = k.user_id AND t.sk = k.sk
WHERE NOT EXISTS (SELECT 1 FROM new_events n WHERE n.event_id = k.event_id)
