-- Grain: one row per Bronze row read in this run, copies included.
-- Typed attributes of the changed item, and `reason`: why the row cannot be used (null = it can).
--
-- image       the item after the change, or before it where the change removed it
-- changed_at  business time of the change: the item's own updated_at (of an insert without one, its created_at; of an
--             item moved to the trash, its deleted_at). The event's own time instead where the item has no such time,
--             and where a writer changed the item without touching updated_at or version.
-- created_at, updated_at, completed_at, deleted_at  null where made up: before :earliest, or more than a day after the
--             event. No clock is that wrong.
-- is_change   0 where the images before and after are the same: what was written are index keys, which no image has.
--             1 where an image was cut: what it lacks may have changed.
-- table_name  of changes that were captured before there was the column: the default
-- cut         names the images that lack attributes, see lake/tables.py
-- old_image, new_image  only of rows that cannot be used, for the quarantine
-- error       what the reader of a file that cannot be read said
--
-- An attribute is missing where it is absent, null or empty. Any other value outside its domain makes the row unusable,
-- except in a removal, which needs only its key; there, and in the image before a change, it counts as missing.
WITH picked AS (
  SELECT *,
    CASE WHEN event_name = 'REMOVE' THEN old_image ELSE new_image END AS image,
    CASE WHEN event_name = 'INSERT' THEN NULL ELSE old_image END AS before
  FROM bronze
), extracted AS (
  SELECT *,
    nullif(get_json_object(image, '$.version'), '') AS version_text,
    get_json_object(before, '$.version') AS old_version_text,
    nullif(get_json_object(image, '$.due_date'), '') AS due_date_text,
    nullif(get_json_object(image, '$.created_at'), '') AS created_text,
    nullif(get_json_object(image, '$.updated_at'), '') AS updated_text,
    get_json_object(before, '$.updated_at') AS old_updated_text,
    nullif(get_json_object(image, '$.completed_at'), '') AS completed_text,
    nullif(get_json_object(image, '$.deleted_at'), '') AS deleted_text,
    nullif(get_json_object(image, '$.status'), '') AS status_text,
    get_json_object(before, '$.status') AS old_status_text,
    nullif(get_json_object(image, '$.priority'), '') AS priority_text,
    get_json_object(image, '$.title') AS title_text,
    get_json_object(image, '$.category') AS category_text,
    nullif(get_json_object(image, '$.tags'), '') AS tags_text,
    get_json_object(image, '$.email') AS email_text,
    get_json_object(image, '$.name') AS name_text,
    get_json_object(attribute_types, '$.old_image') AS old_types,
    get_json_object(attribute_types, '$.new_image') AS new_types,
    event_time AS event_time_text
  FROM picked
), typed AS (
  SELECT
    row_id, event_id, event_name, event_time_text, sequence_number, entity_type, pk, sk, user_id, entity_id,
    request_id, updated_by, old_image, new_image, attribute_types, table_name, cut, image, source_file, file_error, user_bucket,
    -- What has an attribute is an object; the whole text is only taken apart where that does not tell.
    CASE WHEN updated_text IS NOT NULL THEN true
         ELSE coalesce(substring(get_json_object(image, '$'), 1, 1) = '{', false) END AS is_object,
    CAST(CASE WHEN event_name = 'MODIFY' AND cut IS NULL AND old_image = new_image AND old_types <=> new_types
         THEN 0 ELSE 1 END AS int) AS is_change,
    version_text, due_date_text, created_text, updated_text, old_updated_text, completed_text, deleted_text,
    status_text, priority_text,
    CASE WHEN regexp_like(status_text, :status_pattern) THEN status_text END AS status,
    CASE WHEN regexp_like(old_status_text, :status_pattern) THEN old_status_text END AS old_status,
    CASE WHEN regexp_like(priority_text, :priority_pattern) THEN priority_text END AS priority,
    -- A number, a flag, a list or a map looks like one, and no key of the image has a text beginning like it.
    coalesce(regexp_like(title_text, :not_text_pattern) AND NOT regexp_like(image, '"title" *: *"'), false) AS bad_title,
    coalesce(regexp_like(category_text, :not_text_pattern) AND NOT regexp_like(image, '"category" *: *"'), false) AS bad_category,
    coalesce(regexp_like(email_text, :not_text_pattern) AND NOT regexp_like(image, '"email" *: *"'), false) AS bad_email,
    coalesce(regexp_like(name_text, :not_text_pattern) AND NOT regexp_like(image, '"name" *: *"'), false) AS bad_name,
    coalesce(substring(tags_text, 1, 1) <> '[', false) AS bad_tags,
    title_text, category_text,
    CASE WHEN regexp_like(event_time_text, :timestamp_pattern) THEN try_cast(event_time_text AS timestamp) END AS event_told,
    CASE WHEN regexp_like(version_text, :integer_pattern) THEN try_cast(version_text AS bigint) END AS version,
    CASE WHEN regexp_like(old_version_text, :integer_pattern) THEN try_cast(old_version_text AS bigint) END AS old_version,
    CASE WHEN regexp_like(due_date_text, :date_pattern) THEN try_cast(due_date_text AS date) END AS due_date,
    CASE WHEN regexp_like(created_text, :timestamp_pattern) THEN try_cast(created_text AS timestamp) END AS created_told,
    CASE WHEN regexp_like(updated_text, :timestamp_pattern) THEN try_cast(updated_text AS timestamp) END AS updated_told,
    CASE WHEN regexp_like(completed_text, :timestamp_pattern) THEN try_cast(completed_text AS timestamp) END AS completed_told,
    CASE WHEN regexp_like(deleted_text, :timestamp_pattern) THEN try_cast(deleted_text AS timestamp) END AS deleted_told
  FROM extracted
), bounded AS (
  SELECT *,
    try_cast(:earliest AS timestamp) AS first_moment,
    event_told + INTERVAL 1 DAY AS last_moment
  FROM typed
), believed AS (
  SELECT *,
    CASE WHEN event_told >= first_moment THEN event_told END AS event_time,
    CASE WHEN created_told >= first_moment AND created_told <= last_moment THEN created_told END AS created_at,
    CASE WHEN updated_told >= first_moment AND updated_told <= last_moment THEN updated_told END AS updated_at,
    CASE WHEN completed_told >= first_moment AND completed_told <= last_moment THEN completed_told END AS completed_at,
    CASE WHEN deleted_told >= first_moment AND deleted_told <= last_moment THEN deleted_told END AS deleted_at
  FROM bounded
), timed AS (
  SELECT *,
    CASE
      WHEN event_name = 'REMOVE' THEN NULL
      WHEN entity_type = 'TRASH' THEN coalesce(deleted_at, updated_at)
      WHEN event_name = 'INSERT' THEN coalesce(updated_at, created_at)
      WHEN updated_text <=> old_updated_text AND NOT coalesce(version > old_version, version IS NOT NULL) THEN NULL
      ELSE updated_at
    END AS own_time,
    CASE
      WHEN event_name = 'REMOVE' THEN NULL
      WHEN version_text IS NOT NULL AND version IS NULL THEN 'version'
      WHEN created_text IS NOT NULL AND created_told IS NULL THEN 'created_at'
      WHEN updated_text IS NOT NULL AND updated_told IS NULL THEN 'updated_at'
      WHEN entity_type = 'USER' AND bad_email THEN 'email'
      WHEN entity_type = 'USER' AND bad_name THEN 'name'
      WHEN entity_type = 'USER' THEN NULL
      WHEN status_text IS NOT NULL AND status IS NULL THEN 'status'
      WHEN priority_text IS NOT NULL AND priority IS NULL THEN 'priority'
      WHEN bad_title THEN 'title'
      WHEN bad_category THEN 'category'
      WHEN bad_tags THEN 'tags'
      WHEN due_date_text IS NOT NULL AND due_date IS NULL THEN 'due_date'
      WHEN completed_text IS NOT NULL AND completed_told IS NULL THEN 'completed_at'
      WHEN deleted_text IS NOT NULL AND deleted_told IS NULL THEN 'deleted_at'
    END AS bad_attribute
  FROM believed
), judged AS (
  SELECT *,
    CASE
      WHEN file_error IS NOT NULL THEN 'unreadable_file'
      WHEN coalesce(event_id, '') = '' OR coalesce(pk, '') = '' OR coalesce(sk, '') = '' THEN 'missing_key'
      WHEN coalesce(event_name, '') NOT IN ('INSERT', 'MODIFY', 'REMOVE') THEN 'bad_event_name'
      WHEN NOT regexp_like(coalesce(sequence_number, ''), :sequence_pattern) THEN 'bad_sequence_number'
      WHEN event_time IS NULL THEN 'bad_event_time'
      WHEN coalesce(entity_type, '') NOT IN ('TASK', 'USER', 'TRASH') THEN 'bad_entity_type'
      WHEN coalesce(user_id, '') = '' OR pk <> concat(entity_type, '#', user_id) THEN 'key_mismatch'
      WHEN entity_id IS NULL THEN 'unknown_item'
      WHEN sk <> CASE WHEN entity_type = 'USER' THEN 'METADATA' ELSE concat('TASK#', entity_id) END THEN 'unknown_item'
      WHEN NOT is_object THEN 'bad_image'
      WHEN bad_attribute IS NOT NULL THEN concat('bad_', bad_attribute)
    END AS reason
  FROM timed
)
SELECT
  row_id, event_id, event_name, event_time, event_time_text, sequence_number, entity_type, pk, sk, user_id, entity_id,
  request_id, updated_by, coalesce(own_time, event_time) AS changed_at, version, old_version, status, old_status,
  CASE WHEN NOT bad_title THEN title_text END AS title,
  CASE WHEN NOT bad_category THEN category_text END AS category,
  priority, due_date, created_at, updated_at, completed_at, deleted_at, is_change,
  CASE WHEN reason IS NULL THEN image END AS image,
  CASE WHEN reason IS NOT NULL THEN old_image END AS old_image,
  CASE WHEN reason IS NOT NULL THEN new_image END AS new_image,
  attribute_types, coalesce(table_name, :table_name) AS table_name, cut, reason, file_error AS error, source_file,
  user_bucket
FROM judged
