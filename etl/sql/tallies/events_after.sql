-- Staging. Grain: one row per event of the touched items, with the new ones.
SELECT * FROM events_before
UNION ALL
SELECT * FROM new_events
