-- Grain: one row per distinct Bronze row that could not be used, with the reason; copies of it count once.
-- A row leaves when a good copy of the same event has arrived, and when its file, read again, says something else: the
-- file was repaired, or what it says is judged otherwise now.
--
-- arrived_on  the day (UTC) on which a run first found it, however often it is read again; of rows from before there was
--             the column, the day of the run that next rewrites them.
-- dismissed_at, dismissed_by  when a person closed it, and who; null while it is open.
WITH readable_files AS (
  SELECT source_file AS read_file FROM parsed WHERE coalesce(reason, '') <> 'unreadable_file' GROUP BY source_file
), refused AS (
  SELECT
    event_id, event_name, event_time, sequence_number, entity_type, pk, sk, user_id, entity_id, request_id, updated_by,
    old_image, new_image, attribute_types, coalesce(table_name, :table_name) AS table_name, cut, reason, source_file,
    error, coalesce(arrived_on, :today) AS arrived_on, dismissed_at, dismissed_by, user_bucket,
    CASE WHEN f.read_file IS NULL THEN 1 ELSE 0 END AS is_found
  FROM known_quarantine k
  LEFT JOIN readable_files f ON f.read_file = k.source_file
  UNION ALL
  SELECT
    event_id, event_name, event_time_text AS event_time, sequence_number, entity_type, pk, sk, user_id, entity_id,
    request_id, updated_by, old_image, new_image, attribute_types, table_name, cut, reason, source_file,
    error, :today AS arrived_on, NULL AS dismissed_at, NULL AS dismissed_by, user_bucket, 1 AS is_found
  FROM parsed
  WHERE reason IS NOT NULL
), distinct_rows AS (
  SELECT
    event_id, event_name, event_time, sequence_number, entity_type, pk, sk, user_id, entity_id, request_id, updated_by,
    old_image, new_image, attribute_types, table_name, cut, reason,
    min(source_file) AS source_file, min(error) AS error, min(arrived_on) AS arrived_on,
    min(dismissed_at) AS dismissed_at, min(dismissed_by) AS dismissed_by, min(user_bucket) AS user_bucket,
    max(is_found) AS is_found,
    -- Rows of a file nobody can read look alike: there the file itself is the row.
    CASE WHEN reason = 'unreadable_file' THEN source_file END AS file
  FROM refused
  GROUP BY
    event_id, event_name, event_time, sequence_number, entity_type, pk, sk, user_id, entity_id, request_id, updated_by,
    old_image, new_image, attribute_types, table_name, cut, reason, CASE WHEN reason = 'unreadable_file' THEN source_file END
)
SELECT
  event_id, event_name, event_time, sequence_number, entity_type, pk, sk, user_id, entity_id, request_id, updated_by,
  old_image, new_image, attribute_types, table_name, cut, reason, source_file, error, arrived_on, dismissed_at,
  dismissed_by, user_bucket
FROM distinct_rows q
WHERE is_found = 1
  AND NOT EXISTS (SELECT 1 FROM task_events t WHERE t.event_id = q.event_id)
  AND NOT EXISTS (SELECT 1 FROM known_events k WHERE k.event_id = q.event_id)
