-- Grain: one row per change of a generated history, in no order, without its images.
-- $events: about how many; $start: the first day; $days: over how many; $salt: makes another history's items its own.
--
-- A task lives through up to eight versions (pending, in progress, renamed, completed, reopened, moved to another
-- category, completed, renamed); one in twelve is deleted then, and one in four of those restored.
-- What looks random is decided by the item's number.
CREATE OR REPLACE MACRO chance(n, salt, below) AS CAST(hash(n, salt) % below AS BIGINT);
CREATE OR REPLACE TEMP TABLE events AS
WITH sized AS (
  SELECT CAST($events / 4.75 AS BIGINT) AS tasks, greatest(CAST($events / 200 AS BIGINT), 20) AS users
), planned AS (
  SELECT
    t, $salt || 'user-' || chance(t, 1, users) AS user_id, md5($salt || 'task-' || t) AS entity_id,
    CAST($start AS TIMESTAMP) + to_microseconds(CAST(t * $days * 86400e6 / tasks AS BIGINT)) AS created,
    to_microseconds(CAST(60e6 + chance(t, 4, 200_000_000_000) AS BIGINT)) AS gap,
    CAST(1 + chance(t, 2, 8) AS BIGINT) AS versions,
    chance(t, 3, 12) = 0 AS deleted, chance(t, 5, 4) = 0 AS restored
  FROM sized, range(tasks) AS numbers(t)
), task_changes AS (
  SELECT t, user_id, entity_id, created, gap, i, 'TASK' AS entity_type,
    CASE WHEN i = 0 THEN 'INSERT' ELSE 'MODIFY' END AS event_name
  FROM planned, LATERAL (SELECT unnest(range(versions)) AS i)
  UNION ALL
  SELECT t, user_id, entity_id, created, gap, versions, unnest(['TASK', 'TRASH']), unnest(['REMOVE', 'INSERT'])
  FROM planned WHERE deleted
  UNION ALL
  SELECT t, user_id, entity_id, created, gap, versions + 1, unnest(['TASK', 'TRASH']), unnest(['INSERT', 'REMOVE'])
  FROM planned WHERE deleted AND restored
  UNION ALL
  SELECT -1 - n, $salt || 'user-' || n, $salt || 'user-' || n, CAST($start AS TIMESTAMP),
    to_microseconds(86_400_000_000), i, 'USER', CASE WHEN i = 0 THEN 'INSERT' ELSE 'MODIFY' END
  FROM sized, range(users) AS people(n), range(2) AS twice(i)
)
SELECT *, created + i * gap AS moment FROM task_changes;
