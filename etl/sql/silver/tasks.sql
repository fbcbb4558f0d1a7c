-- Grain: one row per task that exists now (what is in the trash does not): the image of the latest event of its key,
-- by sequence number; a removal drops it. Equal to the table's TASK# items; unknown attributes are in `image`.
WITH latest AS (
  SELECT max_by(event_id, concat(lpad(sequence_number, 40, '0'), event_id)) AS event_id
  FROM task_events
  WHERE entity_type = 'TASK'
  GROUP BY pk, sk
)
SELECT
  entity_id AS task_id, user_id, title,
  get_json_object(image, '$.description') AS description,
  status, priority, category,
  get_json_object(image, '$.tags') AS tags,
  due_date,
  get_json_object(image, '$.due_time') AS due_time,
  get_json_object(image, '$.timezone') AS timezone,
  get_json_object(image, '$.recurrence') AS recurrence,
  created_at, updated_at, completed_at, version, updated_by, request_id,
  e.event_id, sequence_number, event_time, image,
  CASE WHEN cut LIKE '%new_image%' THEN cut END AS cut, user_bucket
FROM task_events e
JOIN latest l ON l.event_id = e.event_id
WHERE e.event_name <> 'REMOVE'
