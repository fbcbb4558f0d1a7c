-- Staging. Grain: one row per Bronze row that says enough about an item: its key, its place in order, its image.
--
-- Bronze itself is read, copies included, so that a mistake in Silver cannot spread to the table.
-- own_time  when the table changed. DynamoDB tells it to the second; where the item's own time lies in that second, it
--           is that.
WITH images AS (
  SELECT *,
    CASE WHEN event_name = 'REMOVE' THEN old_image ELSE new_image END AS image,
    event_time AS event_time_text
  FROM bronze
), extracted AS (
  SELECT row_id, event_name, event_time_text, sequence_number, pk, sk, user_id, new_image, attribute_types, cut,
    get_json_object(image, '$.version') AS version_text,
    get_json_object(image, '$.updated_at') AS updated_text,
    coalesce(substring(get_json_object(image, '$'), 1, 1) = '{', false) AS is_object
  FROM images
), typed AS (
  SELECT row_id, event_name, pk, sk, user_id, new_image, attribute_types, cut, lpad(sequence_number, 40, '0') AS seq_key,
    CASE WHEN regexp_like(event_time_text, :timestamp_pattern) THEN try_cast(event_time_text AS timestamp) END AS event_time,
    CASE WHEN regexp_like(updated_text, :timestamp_pattern) THEN try_cast(updated_text AS timestamp) END AS updated_at,
    CASE WHEN regexp_like(version_text, :integer_pattern) THEN try_cast(version_text AS bigint) END AS version
  FROM extracted
  WHERE (is_object OR event_name = 'REMOVE') AND coalesce(pk, '') <> '' AND coalesce(sk, '') <> ''
    AND regexp_like(coalesce(sequence_number, ''), :sequence_pattern)
    AND coalesce(event_name, '') IN ('INSERT', 'MODIFY', 'REMOVE')
)
SELECT row_id, event_name, pk, sk, user_id, new_image, attribute_types, cut, seq_key, version,
    CASE WHEN event_name <> 'REMOVE' AND pmod(unix_micros(event_time), 1000000) = 0
           AND updated_at >= event_time AND updated_at < event_time + INTERVAL 1 SECOND
         THEN updated_at ELSE event_time END AS own_time
FROM typed
WHERE event_time IS NOT NULL
