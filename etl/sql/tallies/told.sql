-- Staging. Grain: one row per person, attributes of a task as they are now, day, measure and key: what tasks and profiles
-- tell. Every figure is a sum of n; ADR 049 lists the measures with their keys. Profiles have empty attributes.
WITH facts AS (
  SELECT c.*, t.status AS task_status
  FROM change_said c
  JOIN task_said t ON t.user_id = c.user_id AND t.task_id = c.task_id
), spans AS (
  SELECT user_id, category, priority, task_status, created_day, day AS first_day, next_day AS end_day,
    status IN ('pending', 'in_progress') AS is_open,
    -- Due on the last day that there is means never late.
    CASE WHEN due_date < DATE '9999-12-31' THEN date_add(due_date, 1) END AS late_day,
    CASE WHEN status IN ('pending', 'in_progress', 'completed', 'cancelled') THEN concat('is_', status)
         ELSE 'is_other' END AS measure
  FROM facts
  WHERE status IS NOT NULL
), held AS (
  SELECT user_id, category, priority, task_status, measure, CASE WHEN is_open THEN created_day END AS created_day,
    first_day, end_day
  FROM spans
  UNION ALL
  SELECT user_id, category, priority, task_status, 'overdue', created_day, greatest(first_day, late_day), end_day
  FROM spans
  WHERE is_open AND late_day IS NOT NULL
  UNION ALL
  SELECT user_id, '', '', '', 'profiles', CAST(NULL AS date), day, next_day
  FROM change_said
  WHERE task_id IS NULL AND status IS NOT NULL
), ends AS (
  SELECT CAST(step AS bigint) AS step FROM VALUES (1), (-1) AS signs(step)
), turns AS (
  SELECT h.user_id, h.category, h.priority, h.task_status, h.measure, h.created_day, e.step AS n,
    CASE WHEN e.step = 1 THEN h.first_day ELSE h.end_day END AS day
  FROM held h CROSS JOIN ends e
  WHERE CASE WHEN e.step = 1 THEN coalesce(h.first_day < h.end_day, true) ELSE h.first_day < h.end_day END
), kinds AS (
  SELECT measure, CAST(key AS bigint) AS key
  FROM VALUES ('created', 0), ('completed', 0), ('undone', 0), ('reopened', 0), ('cancelled', 0), ('deleted', 0),
    ('restored', 0), ('aside', 1), ('aside', 2), ('aside', 3), ('aside', 4), ('aside', 5), ('aside', 6), ('entered', 0),
    ('left', 0) AS names(measure, key)
), flows AS (
  SELECT f.user_id, f.category, f.priority, f.task_status, f.day, k.measure, k.key,
    CAST(CASE concat(k.measure, CAST(k.key AS string))
      WHEN 'created0' THEN f.created
      WHEN 'completed0' THEN f.completed
      WHEN 'undone0' THEN f.undone
      WHEN 'reopened0' THEN f.reopened
      WHEN 'cancelled0' THEN f.cancelled
      WHEN 'deleted0' THEN f.deleted
      WHEN 'restored0' THEN f.restored
      WHEN 'aside1' THEN CASE WHEN f.opens <> 1 THEN f.created ELSE 0 END
      WHEN 'aside2' THEN CASE WHEN f.opens <> 1 THEN f.restored ELSE 0 END
      WHEN 'aside3' THEN CASE WHEN f.opens <> 1 THEN f.reopened ELSE 0 END
      WHEN 'aside4' THEN CASE WHEN f.opens <> -1 THEN f.completed ELSE 0 END
      WHEN 'aside5' THEN CASE WHEN f.opens <> -1 THEN f.cancelled ELSE 0 END
      WHEN 'aside6' THEN CASE WHEN f.opens <> -1 THEN f.deleted ELSE 0 END
      WHEN 'entered0' THEN CASE WHEN f.opens = 1 AND f.created + f.restored + f.reopened = 0 THEN 1 ELSE 0 END
      WHEN 'left0' THEN CASE WHEN f.opens = -1 AND f.completed + f.cancelled + f.deleted = 0 THEN 1 ELSE 0 END
    END AS bigint) AS n
  FROM facts f CROSS JOIN kinds k
), spent AS (
  SELECT user_id, category, priority, status AS task_status, completed_day AS day, 'lead' AS measure, lead_micros AS micros
  FROM task_said
  WHERE lead_micros IS NOT NULL
  UNION ALL
  SELECT user_id, category, priority, status, completed_day, 'cycle', cycle_micros
  FROM task_said
  WHERE cycle_micros IS NOT NULL
), steps AS (
  -- Beyond the last bracket of age, 90 days, ages are not told apart.
  SELECT user_id, category, priority, task_status, day, measure,
    CASE WHEN created_day IS NULL THEN CAST(0 AS bigint)
         ELSE CAST(datediff(greatest(created_day, date_sub(day, 90)), DATE '1970-01-01') AS bigint) END AS key, n
  FROM turns
  UNION ALL
  SELECT user_id, category, priority, task_status, day, measure, key, n FROM flows WHERE n <> 0
  UNION ALL
  SELECT user_id, category, priority, task_status, day, 'hour', CAST(hour AS bigint), CAST(1 AS bigint) FROM facts
  UNION ALL
  SELECT user_id, '', '', '', day, 'profile', CAST(0 AS bigint), CAST(1 AS bigint) FROM change_said WHERE task_id IS NULL
  UNION ALL
  SELECT user_id, category, priority, status, created_day, 'tasks', CAST(0 AS bigint), CAST(1 AS bigint) FROM task_said
  UNION ALL
  -- Whole minutes below an hour, whole hours below seven days, whole days above.
  SELECT user_id, category, priority, task_status, day, measure,
    CASE WHEN micros < 3600000000 THEN micros div 60000000
         WHEN micros < 604800000000 THEN micros div 3600000000 * 60
         ELSE micros div 86400000000 * 1440 END, CAST(1 AS bigint)
  FROM spent
  UNION ALL
  SELECT user_id, category, priority, task_status, day, concat(measure, '_micros'), CAST(0 AS bigint), micros FROM spent
)
SELECT user_id, category, priority, task_status AS status, day, measure, key, CAST(sum(n) AS bigint) AS n
FROM steps
GROUP BY user_id, category, priority, task_status, day, measure, key
HAVING CAST(sum(n) AS bigint) <> 0
