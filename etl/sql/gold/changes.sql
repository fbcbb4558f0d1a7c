-- Staging. Grain: one row per business change: something a person (or a client) did to a task or a profile, once.
--
-- Counted are the events of TASK# and USER# items. Moving to and from the trash is one change each, seen on the TASK#
-- side: a REMOVE is a deletion, an INSERT of an item that lived before (by its version, or because its key has a past,
-- removed or not) is a restore. Trash items themselves, their expiry included, are not changes; nor is a write that left
-- the item as it was (silver/parsed.sql, is_change), unless nothing else is known of the item.
--
-- An imported task was created, and maybe completed, before it came: its first version has a created_at of then. It counts
-- at these times, and as two changes if it was completed.
--
-- changed_at  business time: the item's own (see silver/parsed.sql); of a deletion, the deleted_at of its twin in the
--             trash, which carries the next version; without a twin, the event's time. Within one item it never goes
--             back: a change counts at the earliest when the one before it did.
-- status      after the change, null once removed; a task without a status has 'unknown'.
-- old_status  before the change, null where there was nothing.
-- title, priority, last_status, created_at  the item's own after the change; of a removed item, before it.
-- seq_key     sorts the changes of an item as text.
-- day, hour   of changed_at in the reporting timezone; next_day: of the item's next change, null for the last one.
WITH twins AS (
  SELECT user_id, sk, version, min(changed_at) AS deleted_at
  FROM task_events
  WHERE entity_type = 'TRASH' AND event_name = 'INSERT' AND version IS NOT NULL
  GROUP BY user_id, sk, version
), rewritten AS (
  SELECT DISTINCT pk, sk FROM task_events WHERE is_change = 0
), known AS (
  SELECT DISTINCT e.pk AS known_pk, e.sk AS known_sk
  FROM task_events e
  JOIN rewritten r ON r.pk = e.pk AND r.sk = e.sk
  WHERE coalesce(e.is_change, 1) = 1
), marked AS (
  SELECT e.*,
    coalesce(entity_type = 'TASK' AND event_name = 'INSERT' AND version = 1 AND created_at < changed_at, false) AS is_imported
  FROM task_events e
  LEFT JOIN known k ON e.is_change = 0 AND k.known_pk = e.pk AND k.known_sk = e.sk
  WHERE e.entity_type IN ('TASK', 'USER') AND k.known_pk IS NULL
), steps AS (
  SELECT
    event_name, entity_type, user_id, entity_id, pk, sk, version, old_version, category, due_date, title, priority,
    created_at, event_time, sequence_number, 0 AS step,
    CASE WHEN is_imported THEN created_at ELSE changed_at END AS changed_at,
    CASE WHEN is_imported AND status = 'completed' AND completed_at IS NOT NULL THEN 'pending' ELSE status END AS status,
    old_status, status AS own_status
  FROM marked
  UNION ALL
  SELECT
    'MODIFY', entity_type, user_id, entity_id, pk, sk, version, old_version, category, due_date, title, priority,
    created_at, event_time, sequence_number, 1, completed_at, status, 'pending', status
  FROM marked
  WHERE is_imported AND status = 'completed' AND completed_at IS NOT NULL
), said AS (
  SELECT
    e.event_name, e.entity_type, e.user_id, e.entity_id, e.pk, e.sk, e.version, e.category, e.due_date,
    e.title, e.priority, e.created_at, coalesce(e.own_status, 'unknown') AS last_status,
    concat(lpad(e.sequence_number, 40, '0'), '.', CAST(e.step AS string)) AS seq_key,
    CASE WHEN e.event_name = 'REMOVE' THEN coalesce(t.deleted_at, e.event_time) ELSE e.changed_at END AS said_at,
    CASE WHEN e.event_name = 'REMOVE' THEN NULL ELSE coalesce(e.status, 'unknown') END AS status,
    CASE WHEN e.event_name = 'INSERT' THEN NULL ELSE coalesce(e.old_status, 'unknown') END AS old_status
  FROM steps e
  LEFT JOIN twins t
    ON e.event_name = 'REMOVE' AND e.entity_type = 'TASK'
    AND t.user_id = e.user_id AND t.sk = e.sk AND t.version = e.old_version + 1
), ordered AS (
  SELECT *,
    max(said_at) OVER (PARTITION BY pk, sk ORDER BY seq_key ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS changed_at,
    coalesce(version > 1, false) OR lag(event_name) OVER (PARTITION BY pk, sk ORDER BY seq_key) IS NOT NULL AS lived_before,
    lead(said_at) OVER (PARTITION BY pk, sk ORDER BY seq_key) AS next_said_at
  FROM said
), dated AS (
  SELECT *,
    from_utc_timestamp(changed_at, :timezone) AS local_at,
    CASE WHEN next_said_at IS NOT NULL
         THEN from_utc_timestamp(greatest(changed_at, next_said_at), :timezone) END AS next_local_at
  FROM ordered
)
SELECT
  event_name, entity_type, user_id, entity_id, pk, sk, seq_key, category, due_date, changed_at, status, old_status,
  title, priority, created_at, last_status,
  CAST(local_at AS date) AS day,
  CAST(hour(local_at) AS int) AS hour,
  CAST(next_local_at AS date) AS next_day,
  entity_type = 'TASK' AND event_name = 'INSERT' AND NOT lived_before AS is_created,
  entity_type = 'TASK' AND event_name = 'INSERT' AND lived_before AS is_restored,
  entity_type = 'TASK' AND status = 'completed' AND coalesce(old_status <> 'completed', NOT lived_before) AS is_completed,
  entity_type = 'TASK' AND coalesce(old_status IN ('completed', 'cancelled')
    AND status IN ('pending', 'in_progress'), false) AS is_reopened,
  entity_type = 'TASK' AND event_name = 'REMOVE' AS is_deleted
FROM dated
