-- Grain: one row per change of a task or profile, each once (see changes.sql). The finest grain of Gold: whatever is
-- counted for a choice of tasks is counted here.
--
-- task_id, category, priority, task_status, created_day  of its task as task_facts has them; null for a profile.
-- day, hour  when, in the reporting timezone; next_day: of the same item's next change, null for the last one.
-- status     of the task after the change, null once it is removed; due_date likewise its own after the change.
-- created, completed, reopened, deleted, restored  1 where the change was that (daily_throughput says when), else 0.
SELECT
  c.user_id, t.task_id, t.category, t.priority, t.status AS task_status, t.created_day,
  c.changed_at, c.day, c.hour, c.next_day,
  CASE WHEN c.entity_type = 'TASK' THEN c.status END AS status,
  c.due_date,
  CAST(CASE WHEN c.is_created THEN 1 ELSE 0 END AS int) AS created,
  CAST(CASE WHEN c.is_completed THEN 1 ELSE 0 END AS int) AS completed,
  CAST(CASE WHEN c.is_reopened THEN 1 ELSE 0 END AS int) AS reopened,
  CAST(CASE WHEN c.is_deleted THEN 1 ELSE 0 END AS int) AS deleted,
  CAST(CASE WHEN c.is_restored THEN 1 ELSE 0 END AS int) AS restored
FROM changes c
LEFT JOIN task_facts t ON c.entity_type = 'TASK' AND t.user_id = c.user_id AND t.task_id = c.entity_id
