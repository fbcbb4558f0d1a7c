-- Grain: one row per profile that exists now: the image of the latest event of its key, by sequence number; a removal
-- drops it. Equal to the table's USER# items; unknown attributes are in `image`.
WITH latest AS (
  SELECT max_by(event_id, concat(lpad(sequence_number, 40, '0'), event_id)) AS event_id
  FROM task_events
  WHERE entity_type = 'USER'
  GROUP BY pk, sk
)
SELECT
  user_id,
  get_json_object(image, '$.email') AS email,
  get_json_object(image, '$.username') AS username,
  get_json_object(image, '$.name') AS name,
  get_json_object(image, '$.given_name') AS given_name,
  get_json_object(image, '$.family_name') AS family_name,
  get_json_object(image, '$.timezone') AS timezone,
  created_at, updated_at, version, updated_by, request_id,
  e.event_id, sequence_number, event_time, image,
  CASE WHEN cut LIKE '%new_image%' THEN cut END AS cut, user_bucket
FROM task_events e
JOIN latest l ON l.event_id = e.event_id
WHERE e.event_name <> 'REMOVE'
