-- Grain: one row per task that ever existed, as it is now, or as it was when it was deleted.
--
-- deleted       1 for a task in the trash or gone, else 0.
-- created_at    the task's own, or the time of its first change where it has none; created_day its reporting day.
-- category      '(none)' where it has none; priority likewise.
-- completed_at, completed_day, lead_hours, cycle_hours  as in completion_times; null unless it is completed now.
WITH first_changes AS (
  SELECT pk, sk, min(changed_at) AS first_change
  FROM changes
  WHERE entity_type = 'TASK'
  GROUP BY pk, sk
), latest AS (
  SELECT
    c.user_id, c.entity_id AS task_id, c.title, c.due_date, c.last_status AS status,
    coalesce(nullif(c.category, ''), '(none)') AS category,
    coalesce(nullif(c.priority, ''), '(none)') AS priority,
    CAST(CASE WHEN c.is_deleted THEN 1 ELSE 0 END AS int) AS deleted,
    coalesce(c.created_at, f.first_change) AS created_at
  FROM changes c
  JOIN first_changes f ON f.pk = c.pk AND f.sk = c.sk
  WHERE c.entity_type = 'TASK' AND c.next_day IS NULL
)
SELECT
  t.user_id, t.task_id, t.title, t.category, t.priority, t.status, t.deleted, t.due_date, t.created_at,
  CAST(from_utc_timestamp(t.created_at, :timezone) AS date) AS created_day,
  d.completed_at, d.completed_day, d.lead_hours, d.cycle_hours
FROM latest t
LEFT JOIN completion_times d ON d.user_id = t.user_id AND d.task_id = t.task_id
