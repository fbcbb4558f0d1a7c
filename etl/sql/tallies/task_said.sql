-- Staging. Grain: one row per task that ever existed, as it is now, or as it was when it was deleted.
--
-- category, priority  '(none)' where it has none; status 'unknown'.
-- tags         the task's list as JSON text, null where it is empty.
-- started_at   the first change that put it in progress, of tasks that exist now.
-- lead_micros, cycle_micros  as in gold/lives.sql, of tasks that are completed now; else null.
-- The other columns as in gold/task_facts.sql.
WITH latest AS (
  SELECT max_by(event_id, concat(lpad(sequence_number, 40, '0'), event_id)) AS event_id
  FROM task_events
  WHERE entity_type = 'TASK'
  GROUP BY pk, sk
), tagged AS (
  SELECT e.user_id, e.entity_id AS task_id, nullif(get_json_object(e.image, '$.tags'), '[]') AS tags
  FROM task_events e
  JOIN latest l ON l.event_id = e.event_id
)
SELECT
  t.user_id, t.task_id, t.title, g.tags, t.category, t.priority, coalesce(nullif(t.status, ''), 'unknown') AS status,
  t.deleted, t.due_date, t.created_at, t.created_day, l.started_at, t.completed_at, t.completed_day,
  CASE WHEN t.completed_day IS NOT NULL THEN l.lead_micros END AS lead_micros,
  CASE WHEN t.completed_day IS NOT NULL THEN l.cycle_micros END AS cycle_micros
FROM task_facts t
LEFT JOIN lives l ON l.user_id = t.user_id AND l.task_id = t.task_id
LEFT JOIN tagged g ON g.user_id = t.user_id AND g.task_id = t.task_id
