-- Silver as somebody would write it who has DuckDB and nothing else: no known history, no second engine, one pass.
-- Reads the view `bronze` (columns of the lake's Bronze, user_bucket, filename).
CREATE TEMP TABLE parsed AS
WITH extracted AS (
  SELECT *,
    CASE WHEN event_name = 'REMOVE' THEN old_image ELSE new_image END AS image,
    TRY(json_extract_string(CASE WHEN event_name = 'REMOVE' THEN old_image ELSE new_image END, [
      '$.version', '$.due_date', '$.created_at', '$.updated_at', '$.completed_at', '$.deleted_at', '$.status', '$.title',
      '$.category', '$.priority'])) AS now,
    TRY(json_extract_string(CASE WHEN event_name <> 'INSERT' THEN old_image END, ['$.version', '$.updated_at', '$.status']))
      AS old
  FROM bronze
), typed AS (
  SELECT * EXCLUDE (event_time),
    event_time AS event_time_text,
    CAST(CASE WHEN event_name = 'MODIFY' AND cut IS NULL AND old_image = new_image THEN 0 ELSE 1 END AS INTEGER) AS is_change,
    TRY_CAST(event_time AS TIMESTAMPTZ) AS event_time,
    CASE WHEN regexp_full_match(now[1], '[0-9]{1,18}') THEN TRY_CAST(now[1] AS BIGINT) END AS version,
    CASE WHEN regexp_full_match(old[1], '[0-9]{1,18}') THEN TRY_CAST(old[1] AS BIGINT) END AS old_version,
    TRY_CAST(now[2] AS DATE) AS due_date,
    TRY_CAST(now[3] AS TIMESTAMPTZ) AS created_at,
    TRY_CAST(now[4] AS TIMESTAMPTZ) AS updated_at,
    TRY_CAST(now[5] AS TIMESTAMPTZ) AS completed_at,
    TRY_CAST(now[6] AS TIMESTAMPTZ) AS deleted_at,
    now[7] AS status, old[3] AS old_status, now[8] AS title, now[9] AS category, now[10] AS priority
  FROM extracted
), judged AS (
  SELECT *,
    CASE
      WHEN event_name = 'REMOVE' THEN NULL
      WHEN entity_type = 'TRASH' THEN coalesce(deleted_at, updated_at)
      WHEN event_name = 'INSERT' THEN coalesce(updated_at, created_at)
      WHEN now[4] IS NOT DISTINCT FROM old[2] AND NOT coalesce(version > old_version, version IS NOT NULL) THEN NULL
      ELSE updated_at
    END AS own_time,
    CASE
      WHEN coalesce(event_id, '') = '' OR coalesce(pk, '') = '' OR coalesce(sk, '') = '' THEN 'missing_key'
      WHEN coalesce(event_name, '') NOT IN ('INSERT', 'MODIFY', 'REMOVE') THEN 'bad_event_name'
      WHEN NOT regexp_full_match(coalesce(sequence_number, ''), '[0-9]{1,40}') THEN 'bad_sequence_number'
      WHEN event_time IS NULL THEN 'bad_event_time'
      WHEN coalesce(entity_type, '') NOT IN ('TASK', 'USER', 'TRASH') THEN 'bad_entity_type'
      WHEN coalesce(user_id, '') = '' OR pk <> entity_type || '#' || user_id THEN 'key_mismatch'
      WHEN entity_id IS NULL THEN 'unknown_item'
      WHEN sk <> CASE WHEN entity_type = 'USER' THEN 'METADATA' ELSE 'TASK#' || entity_id END THEN 'unknown_item'
      WHEN now IS NULL OR image NOT LIKE '{%' THEN 'bad_image'
    END AS reason
  FROM typed
)
SELECT * EXCLUDE (now, old, own_time, old_image, new_image),
  CASE WHEN own_time <= event_time + INTERVAL 1 DAY THEN own_time ELSE event_time END AS changed_at,
  CASE WHEN reason IS NOT NULL THEN old_image END AS old_image,
  CASE WHEN reason IS NOT NULL THEN new_image END AS new_image
FROM judged;

CREATE TEMP TABLE task_events AS
SELECT event_id, event_name, event_time, sequence_number, entity_type, pk, sk, user_id, entity_id, request_id, updated_by,
  changed_at, version, old_version, status, old_status, title, category, priority, due_date,
  created_at, updated_at, completed_at, deleted_at, image, attribute_types, table_name, is_change, cut, user_bucket
FROM parsed
WHERE rowid IN (SELECT min(rowid) FROM parsed WHERE reason IS NULL GROUP BY event_id);

CREATE TEMP TABLE quarantine AS
SELECT event_id, event_name, event_time_text AS event_time, sequence_number, entity_type, pk, sk, user_id, entity_id,
  request_id, updated_by, old_image, new_image, attribute_types, table_name, cut, reason,
  min(substring(filename, strpos(filename, '/cdc/') + 1)) AS source_file, NULL::VARCHAR AS error,
  strftime(current_date, '%Y-%m-%d') AS arrived_on, NULL::VARCHAR AS dismissed_at, NULL::VARCHAR AS dismissed_by,
  min(user_bucket) AS user_bucket
FROM parsed p
WHERE reason IS NOT NULL AND NOT EXISTS (SELECT 1 FROM task_events e WHERE e.event_id = p.event_id)
GROUP BY ALL;

CREATE TEMP TABLE latest AS
SELECT event_id, event_name, entity_type, rowid AS event_row
FROM task_events
WHERE rowid IN (
  SELECT arg_max(rowid, (lpad(sequence_number, 40, '0'), event_id)) FROM task_events
  WHERE entity_type <> 'TRASH' GROUP BY pk, sk);

CREATE TEMP TABLE tasks AS
SELECT entity_id AS task_id, user_id, title, more[1] AS description, status, priority, category, more[2] AS tags, due_date,
  more[3] AS due_time, more[4] AS timezone, more[5] AS recurrence,
  created_at, updated_at, completed_at, version, updated_by, request_id, event_id, sequence_number, event_time, image,
  CASE WHEN contains(cut, 'new_image') THEN cut END AS cut, user_bucket
FROM (
  SELECT *, TRY(json_extract_string(image, ['$.description', '$.tags', '$.due_time', '$.timezone', '$.recurrence']))
    AS more
  FROM task_events
  WHERE rowid IN (SELECT event_row FROM latest WHERE entity_type = 'TASK' AND event_name <> 'REMOVE'));

CREATE TEMP TABLE users AS
SELECT user_id, said[1] AS email, said[2] AS username, said[3] AS name, said[4] AS given_name, said[5] AS family_name,
  said[6] AS timezone, created_at, updated_at, version, updated_by, request_id, event_id, sequence_number, event_time, image,
  CASE WHEN contains(cut, 'new_image') THEN cut END AS cut, user_bucket
FROM (
  SELECT *, TRY(json_extract_string(image, ['$.email', '$.username', '$.name', '$.given_name', '$.family_name', '$.timezone']))
    AS said
  FROM task_events
  WHERE rowid IN (SELECT event_row FROM latest WHERE entity_type = 'USER' AND event_name <> 'REMOVE'));
