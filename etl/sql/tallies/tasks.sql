-- Staging. Grain: one row per task that exists now, as Silver's table of this name has it, out of the task's own events;
-- only the columns that gold/lives.sql reads.
WITH latest AS (
  SELECT max_by(event_id, concat(lpad(sequence_number, 40, '0'), event_id)) AS event_id
  FROM task_events
  WHERE entity_type = 'TASK'
  GROUP BY pk, sk
)
SELECT e.entity_id AS task_id, e.user_id, e.status, e.priority, e.category, e.due_date, e.created_at, e.completed_at
FROM task_events e
JOIN latest l ON l.event_id = e.event_id
WHERE e.event_name <> 'REMOVE'
