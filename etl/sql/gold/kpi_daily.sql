-- Grain: one row per reporting day of the calendar and metric: the KPIs as they stood at the end of each day.
--
-- Metrics: total_users, total_tasks, completed_tasks, pending_tasks, in_progress_tasks, cancelled_tasks, open_tasks,
-- overdue_tasks, completion_rate, avg_tasks_per_user, dau, wau, mau, active_users, as in business_metrics_kpis; and
-- tasks_created, tasks_completed, tasks_reopened, tasks_deleted of the day, as in daily_throughput.
--
-- Every figure is a running sum of steps: +1 on the day something begins to count, -1 on the day it stops.
WITH steps AS (
  SELECT day, 'total_users' AS metric, 1 AS step FROM changes WHERE entity_type = 'USER' AND status IS NOT NULL
  UNION ALL
  SELECT next_day, 'total_users', -1 FROM changes
  WHERE entity_type = 'USER' AND status IS NOT NULL AND next_day IS NOT NULL
  UNION ALL
  SELECT greatest(day, date_add(due_date, 1)), 'overdue_tasks', 1 FROM changes
  WHERE entity_type = 'TASK' AND status IN ('pending', 'in_progress') AND due_date IS NOT NULL
    AND coalesce(greatest(day, date_add(due_date, 1)) < next_day, true)
  UNION ALL
  SELECT next_day, 'overdue_tasks', -1 FROM changes
  WHERE entity_type = 'TASK' AND status IN ('pending', 'in_progress') AND due_date IS NOT NULL
    AND greatest(day, date_add(due_date, 1)) < next_day
  UNION ALL
  SELECT day, 'dau', 1 FROM active_days
  UNION ALL
  SELECT date_add(day, 1), 'dau', -1 FROM active_days
  UNION ALL
  SELECT day, 'wau', 1 FROM active_days
  UNION ALL
  SELECT least(date_add(day, 7), coalesce(next_day, date_add(day, 7))), 'wau', -1 FROM active_days
  UNION ALL
  SELECT day, 'mau', 1 FROM active_days
  UNION ALL
  SELECT least(date_add(day, 30), coalesce(next_day, date_add(day, 30))), 'mau', -1 FROM active_days
), daily AS (
  SELECT day, metric, CAST(sum(step) AS bigint) AS step FROM steps GROUP BY day, metric
), metrics AS (
  SELECT metric FROM VALUES ('total_users'), ('overdue_tasks'), ('dau'), ('wau'), ('mau') AS always(metric)
), running AS (
  SELECT c.day, m.metric,
    CAST(sum(coalesce(d.step, CAST(0 AS bigint))) OVER (
      PARTITION BY m.metric ORDER BY c.day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS double) AS value
  FROM calendar c
  CROSS JOIN metrics m
  LEFT JOIN daily d ON d.day = c.day AND d.metric = m.metric
), flow AS (
  SELECT
    day,
    CAST(sum(tasks) AS double) AS total_tasks,
    CAST(sum(CASE WHEN status = 'completed' THEN tasks ELSE 0 END) AS double) AS completed_tasks,
    CAST(sum(CASE WHEN status = 'pending' THEN tasks ELSE 0 END) AS double) AS pending_tasks,
    CAST(sum(CASE WHEN status = 'in_progress' THEN tasks ELSE 0 END) AS double) AS in_progress_tasks,
    CAST(sum(CASE WHEN status = 'cancelled' THEN tasks ELSE 0 END) AS double) AS cancelled_tasks
  FROM cumulative_flow
  GROUP BY day
)
SELECT day, metric, value FROM running
UNION ALL SELECT day, 'active_users', value FROM running WHERE metric = 'mau'
UNION ALL SELECT day, 'total_tasks', total_tasks FROM flow
UNION ALL SELECT day, 'completed_tasks', completed_tasks FROM flow
UNION ALL SELECT day, 'pending_tasks', pending_tasks FROM flow
UNION ALL SELECT day, 'in_progress_tasks', in_progress_tasks FROM flow
UNION ALL SELECT day, 'cancelled_tasks', cancelled_tasks FROM flow
UNION ALL SELECT day, 'open_tasks', pending_tasks + in_progress_tasks FROM flow
UNION ALL SELECT day, 'completion_rate', coalesce(completed_tasks / nullif(total_tasks, 0.0D), 0.0D) FROM flow
UNION ALL
SELECT f.day, 'avg_tasks_per_user', coalesce(f.total_tasks / nullif(r.value, 0.0D), 0.0D)
FROM flow f JOIN running r ON r.day = f.day AND r.metric = 'total_users'
UNION ALL SELECT day, 'tasks_created', CAST(created AS double) FROM daily_throughput
UNION ALL SELECT day, 'tasks_completed', CAST(completed AS double) FROM daily_throughput
UNION ALL SELECT day, 'tasks_reopened', CAST(reopened AS double) FROM daily_throughput
UNION ALL SELECT day, 'tasks_deleted', CAST(deleted AS double) FROM daily_throughput
