-- Grain: one row per item of the person :user_id that is still in the table, as far as Silver knows.
WITH latest AS (
  SELECT max_by(event_id, concat(lpad(sequence_number, 40, '0'), event_id)) AS event_id
  FROM task_events
  WHERE user_id = :user_id
  GROUP BY pk, sk
)
SELECT e.pk, e.sk
FROM task_events e
JOIN latest l ON l.event_id = e.event_id
WHERE e.event_name <> 'REMOVE'
