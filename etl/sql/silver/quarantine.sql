-- Grain: one row per distinct Bronze row that could not be used, with the reason; copies of it count once.
-- A row leaves when a good copy of the same event has arrived, and when its file, read again, says something else: the
-- file was repaired, or what it says is judged otherwise now.
WITH readable_files AS (
  SELECT source_file FROM parsed WHERE coalesce(reason, '') <> 'unreadable_file' GROUP BY source_file
), refused AS (
  SELECT
    event_id, event_name, event_time, sequence_number, entity_type, pk, sk, user_id, entity_id, request_id, updated_by,
    old_image, new_image, attribute_types, coalesce(table_name, :table_name) AS table_name, cut, reason, source_file,
    user_bucket
  FROM known_quarantine k
  WHERE NOT EXISTS (SELECT 1 FROM readable_files f WHERE f.source_file = k.source_file)
  UNION ALL
  SELECT
    event_id, event_name, event_time_text AS event_time, sequence_number, entity_type, pk, sk, user_id, entity_id,
    request_id, updated_by, old_image, new_image, attribute_types, table_name, cut, reason, source_file, user_bucket
  FROM parsed
  WHERE reason IS NOT NULL
), distinct_rows AS (
  SELECT
    event_id, event_name, event_time, sequence_number, entity_type, pk, sk, user_id, entity_id, request_id, updated_by,
    old_image, new_image, attribute_types, table_name, cut, reason,
    min(source_file) AS source_file, min(user_bucket) AS user_bucket,
    -- Rows of a file nobody can read look alike: there the file itself is the row.
    CASE WHEN reason = 'unreadable_file' THEN source_file END AS file
  FROM refused
  GROUP BY
    event_id, event_name, event_time, sequence_number, entity_type, pk, sk, user_id, entity_id, request_id, updated_by,
    old_image, new_image, attribute_types, table_name, cut, reason, CASE WHEN reason = 'unreadable_file' THEN source_file END
)
SELECT
  event_id, event_name, event_time, sequence_number, entity_type, pk, sk, user_id, entity_id, request_id, updated_by,
  old_image, new_image, attribute_types, table_name, cut, reason, source_file, user_bucket
FROM distinct_rows q
WHERE NOT EXISTS (SELECT 1 FROM task_events t WHERE t.event_id = q.event_id)
  AND NOT EXISTS (SELECT 1 FROM known_events k WHERE k.event_id = q.event_id)
