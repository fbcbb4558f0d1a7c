-- Staging. Grain: one row per task that exists now.
--
-- created_at   the task's own, or the time of its first change where it has none.
-- finished_at  of a completed task its own completed_at, or the time of the change that completed it; else null.
-- started_at   the first change that put it in progress, null where none did.
-- category     '(none)' where it has none.
WITH history AS (
  SELECT
    pk, sk,
    min(changed_at) AS first_change,
    min(CASE WHEN status = 'in_progress' THEN changed_at END) AS started_at,
    max(CASE WHEN status = 'completed' AND NOT coalesce(old_status, '') = 'completed' THEN changed_at END) AS completed_change
  FROM changes
  WHERE entity_type = 'TASK'
  GROUP BY pk, sk
), dated AS (
  SELECT
    t.task_id, t.user_id, t.status, t.priority, t.due_date,
    coalesce(nullif(t.category, ''), '(none)') AS category,
    coalesce(t.created_at, h.first_change) AS created_at,
    CASE WHEN t.status = 'completed' THEN coalesce(t.completed_at, h.completed_change, h.first_change) END AS finished_at,
    h.started_at,
    coalesce(t.status IN ('pending', 'in_progress'), false) AS is_open,
    coalesce(t.status IN ('pending', 'in_progress') AND t.due_date < CAST(:today AS date), false) AS is_overdue
  FROM tasks t
  JOIN history h ON h.pk = concat('TASK#', t.user_id) AND h.sk = concat('TASK#', t.task_id)
)
SELECT *,
  CAST(from_utc_timestamp(created_at, :timezone) AS date) AS created_day,
  CAST(from_utc_timestamp(finished_at, :timezone) AS date) AS finished_day,
  CASE WHEN finished_at >= created_at THEN unix_micros(finished_at) - unix_micros(created_at)
       WHEN finished_at < created_at THEN CAST(0 AS bigint) END AS lead_micros,
  CASE WHEN finished_at >= started_at THEN unix_micros(finished_at) - unix_micros(started_at) END AS cycle_micros
FROM dated
