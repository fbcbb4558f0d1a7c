-- Grain: one row per task that the events in `task_events` change: its image after the latest of them, by sequence
-- number. A removed task has a row without an image, so that an older event that arrives later does not bring it back.
-- Unknown attributes are in `image`.
WITH latest AS (
  SELECT max_by(event_id, concat(lpad(sequence_number, 40, '0'), event_id)) AS event_id
  FROM task_events
  WHERE entity_type = 'TASK'
  GROUP BY pk, sk
), states AS (
  SELECT e.*, CASE WHEN e.event_name <> 'REMOVE' THEN e.image END AS held
  FROM task_events e
  JOIN latest l ON l.event_id = e.event_id
)
SELECT
  entity_id AS task_id, user_id, title,
  get_json_object(held, '$.description') AS description,
  status, priority, category,
  get_json_object(held, '$.tags') AS tags,
  due_date,
  get_json_object(held, '$.due_time') AS due_time,
  get_json_object(held, '$.timezone') AS timezone,
  get_json_object(held, '$.recurrence') AS recurrence,
  created_at, updated_at, completed_at, version, updated_by, request_id,
  event_id, sequence_number, event_time, held AS image,
  CASE WHEN cut LIKE '%new_image%' THEN cut END AS cut, event_name, user_bucket
FROM states
