-- Grain: one row per Bronze row read in this run, copies included.
-- Typed attributes of the changed item, and `reason`: why the row cannot be used (null = it can).
--
-- image       the item after the change, or before it where the change removed it
-- changed_at  business time of the change: the item's own updated_at (of an insert without one, its created_at; of an
--             item moved to the trash, its deleted_at). The event's own time instead where the item has no such time,
--             where a writer changed the item without touching updated_at or version, and where the item's time lies
--             more than a day after the event (no clock is that wrong: such a time is made up).
-- table_name  of changes that were captured before there was the column: the default
-- cut         names the images that lack attributes, see lake/tables.py
-- old_image, new_image  only of rows that cannot be used, for the quarantine
WITH picked AS (
  SELECT *,
    CASE WHEN event_name = 'REMOVE' THEN old_image ELSE new_image END AS image,
    CASE WHEN event_name = 'INSERT' THEN NULL ELSE old_image END AS before
  FROM bronze
), extracted AS (
  SELECT *,
    get_json_object(image, '$.version') AS version_text,
    get_json_object(before, '$.version') AS old_version_text,
    get_json_object(image, '$.due_date') AS due_date_text,
    get_json_object(image, '$.created_at') AS created_text,
    get_json_object(image, '$.updated_at') AS updated_text,
    get_json_object(before, '$.updated_at') AS old_updated_text,
    get_json_object(image, '$.completed_at') AS completed_text,
    get_json_object(image, '$.deleted_at') AS deleted_text,
    get_json_object(image, '$.status') AS status,
    get_json_object(before, '$.status') AS old_status,
    get_json_object(image, '$.title') AS title,
    get_json_object(image, '$.category') AS category,
    get_json_object(image, '$.priority') AS priority,
    event_time AS event_time_text
  FROM picked
), typed AS (
  SELECT
    row_id, event_id, event_name, event_time_text, sequence_number, entity_type, pk, sk, user_id, entity_id,
    request_id, updated_by, old_image, new_image, attribute_types, table_name, cut, image, source_file, file_error, user_bucket,
    -- What has an attribute is an object; the whole text is only taken apart where that does not tell.
    CASE WHEN updated_text IS NOT NULL THEN true
         ELSE coalesce(substring(get_json_object(image, '$'), 1, 1) = '{', false) END AS is_object,
    updated_text, old_updated_text, status, old_status, title, category, priority,
    CASE WHEN regexp_like(event_time_text, :timestamp_pattern) THEN try_cast(event_time_text AS timestamp) END AS event_time,
    CASE WHEN regexp_like(version_text, :integer_pattern) THEN try_cast(version_text AS bigint) END AS version,
    CASE WHEN regexp_like(old_version_text, :integer_pattern) THEN try_cast(old_version_text AS bigint) END AS old_version,
    CASE WHEN regexp_like(due_date_text, :date_pattern) THEN try_cast(due_date_text AS date) END AS due_date,
    CASE WHEN regexp_like(created_text, :timestamp_pattern) THEN try_cast(created_text AS timestamp) END AS created_at,
    CASE WHEN regexp_like(updated_text, :timestamp_pattern) THEN try_cast(updated_text AS timestamp) END AS updated_at,
    CASE WHEN regexp_like(completed_text, :timestamp_pattern) THEN try_cast(completed_text AS timestamp) END AS completed_at,
    CASE WHEN regexp_like(deleted_text, :timestamp_pattern) THEN try_cast(deleted_text AS timestamp) END AS deleted_at
  FROM extracted
), timed AS (
  SELECT *,
    CASE
      WHEN event_name = 'REMOVE' THEN NULL
      WHEN entity_type = 'TRASH' THEN coalesce(deleted_at, updated_at)
      WHEN event_name = 'INSERT' THEN coalesce(updated_at, created_at)
      WHEN updated_text <=> old_updated_text AND NOT coalesce(version > old_version, version IS NOT NULL) THEN NULL
      ELSE updated_at
    END AS own_time
  FROM typed
), judged AS (
  SELECT *,
    CASE
      WHEN file_error IS NOT NULL THEN file_error
      WHEN coalesce(event_id, '') = '' OR coalesce(pk, '') = '' OR coalesce(sk, '') = '' THEN 'missing_key'
      WHEN coalesce(event_name, '') NOT IN ('INSERT', 'MODIFY', 'REMOVE') THEN 'bad_event_name'
      WHEN NOT regexp_like(coalesce(sequence_number, ''), :sequence_pattern) THEN 'bad_sequence_number'
      WHEN event_time IS NULL THEN 'bad_event_time'
      WHEN coalesce(entity_type, '') NOT IN ('TASK', 'USER', 'TRASH') THEN 'bad_entity_type'
      WHEN coalesce(user_id, '') = '' OR pk <> concat(entity_type, '#', user_id) THEN 'key_mismatch'
      WHEN entity_id IS NULL THEN 'unknown_item'
      WHEN sk <> CASE WHEN entity_type = 'USER' THEN 'METADATA' ELSE concat('TASK#', entity_id) END THEN 'unknown_item'
      WHEN NOT is_object THEN 'bad_image'
    END AS reason
  FROM timed
)
SELECT
  row_id, event_id, event_name, event_time, event_time_text, sequence_number, entity_type, pk, sk, user_id, entity_id,
  request_id, updated_by,
  CASE WHEN own_time <= event_time + INTERVAL 1 DAY THEN own_time ELSE event_time END AS changed_at,
  version, old_version, status, old_status, title, category, priority, due_date,
  created_at, updated_at, completed_at, deleted_at,
  CASE WHEN reason IS NULL THEN image END AS image,
  CASE WHEN reason IS NOT NULL THEN old_image END AS old_image,
  CASE WHEN reason IS NOT NULL THEN new_image END AS new_image,
  attribute_types, coalesce(table_name, :table_name) AS table_name, cut, reason, source_file, user_bucket
FROM judged
