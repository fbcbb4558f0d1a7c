-- Grain: one row per event_id that is new, over all time: what this run adds to the deduplicated, typed history of tasks,
-- profiles and the trash.
-- Delivery is at least once, so copies of one event are normal; they are the same but for the file they came in,
-- so any of them will do. `known_events` has the history of the days of the new rows (see days.sql).
WITH first_copies AS (
  SELECT min(row_id) AS row_id FROM parsed WHERE reason IS NULL GROUP BY event_id
)
SELECT
  event_id, event_name, event_time, sequence_number, entity_type, pk, sk, user_id, entity_id, request_id, updated_by,
  changed_at, version, old_version, status, old_status, title, category, priority, due_date,
  created_at, updated_at, completed_at, deleted_at, image, attribute_types, table_name, is_change, cut, user_bucket
FROM parsed p
JOIN first_copies f ON f.row_id = p.row_id
WHERE NOT EXISTS (SELECT 1 FROM known_events k WHERE k.event_id = p.event_id)
