-- Grain: one row per task that exists now (what is in the trash does not): the image of the latest event of its key,
-- by sequence number; a removal drops it. Equal to the table's TASK# items; unknown attributes are in `image`.
WITH ranked AS (
  SELECT *, row_number() OVER (
    PARTITION BY pk, sk ORDER BY lpad(sequence_number, 40, '0') DESC, event_id DESC) AS recency
  FROM task_events
  WHERE entity_type = 'TASK'
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
  event_id, sequence_number, event_time, image, user_bucket
FROM ranked
WHERE recency = 1 AND event_name <> 'REMOVE'
