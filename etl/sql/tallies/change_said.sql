-- Staging. Grain: one row per change of a task or profile.
--
-- task_id, category, priority, tags, created_day  of its task as task_said has them; null for a profile.
-- day, hour, next_day, due_date  as in gold/changes.sql; status likewise: null once the item is removed.
-- created … restored  1 where the change was that, else 0 (gold/daily_throughput.sql says when); cancelled: it became so.
-- undone  1 for a completion that the task later left for another status.
-- opens   1 where the task was not open before and is now, -1 where it was and is not, else 0. Before: after its last
--         change, which is not what the image before the change says if a change is missing.
WITH chained AS (
  SELECT *,
    coalesce(lag(status) OVER (PARTITION BY pk, sk ORDER BY seq_key) IN ('pending', 'in_progress'), false) AS was_open,
    coalesce(status IN ('pending', 'in_progress'), false) AS is_open,
    coalesce(max(CASE WHEN status <> 'completed' THEN 1 ELSE 0 END) OVER (
      PARTITION BY pk, sk ORDER BY seq_key ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING), 0) AS left_later
  FROM changes
)
SELECT
  c.user_id, t.task_id, t.category, t.priority, t.tags, t.created_day,
  c.changed_at, c.day, c.hour, c.next_day, CASE WHEN c.status = '' THEN 'unknown' ELSE c.status END AS status, c.due_date,
  CAST(CASE WHEN c.is_created THEN 1 ELSE 0 END AS int) AS created,
  CAST(CASE WHEN c.is_completed THEN 1 ELSE 0 END AS int) AS completed,
  CAST(CASE WHEN c.is_completed AND c.left_later = 1 THEN 1 ELSE 0 END AS int) AS undone,
  CAST(CASE WHEN c.is_reopened THEN 1 ELSE 0 END AS int) AS reopened,
  CAST(CASE WHEN c.entity_type = 'TASK' AND c.status = 'cancelled' AND coalesce(c.old_status <> 'cancelled', c.is_created)
       THEN 1 ELSE 0 END AS int) AS cancelled,
  CAST(CASE WHEN c.is_deleted THEN 1 ELSE 0 END AS int) AS deleted,
  CAST(CASE WHEN c.is_restored THEN 1 ELSE 0 END AS int) AS restored,
  CAST(CASE WHEN c.entity_type <> 'TASK' OR c.is_open = c.was_open THEN 0 WHEN c.is_open THEN 1 ELSE -1 END AS int) AS opens
FROM chained c
LEFT JOIN task_said t ON c.entity_type = 'TASK' AND t.user_id = c.user_id AND t.task_id = c.entity_id
