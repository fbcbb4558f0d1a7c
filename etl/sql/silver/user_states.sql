-- Grain: one row per profile that the events in `task_events` change: its image after the latest of them, by sequence
-- number. A removed profile has a row without an image, so that an older event that arrives later does not bring it back.
-- Unknown attributes are in `image`.
WITH latest AS (
  SELECT max_by(event_id, concat(lpad(sequence_number, 40, '0'), event_id)) AS event_id
  FROM task_events
  WHERE entity_type = 'USER'
  GROUP BY pk, sk
), states AS (
  SELECT e.*, CASE WHEN e.event_name <> 'REMOVE' THEN e.image END AS held
  FROM task_events e
  JOIN latest l ON l.event_id = e.event_id
)
SELECT
  user_id,
  get_json_object(held, '$.email') AS email,
  get_json_object(held, '$.username') AS username,
  get_json_object(held, '$.name') AS name,
  get_json_object(held, '$.given_name') AS given_name,
  get_json_object(held, '$.family_name') AS family_name,
  get_json_object(held, '$.timezone') AS timezone,
  created_at, updated_at, version, updated_by, request_id,
  event_id, sequence_number, event_time, held AS image,
  CASE WHEN cut LIKE '%new_image%' THEN cut END AS cut, event_name, user_bucket
FROM states
