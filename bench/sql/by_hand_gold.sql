-- Gold as somebody would write it who has DuckDB and nothing else. Reads the tables of by_hand_silver.sql.
-- getvariable('zone'): the reporting timezone; getvariable('today'): the reporting date.
CREATE TEMP TABLE changes AS
WITH twins AS (
  SELECT user_id, sk, version - 1 AS old_version, min(changed_at) AS deleted_at
  FROM task_events
  WHERE entity_type = 'TRASH' AND event_name = 'INSERT' AND version IS NOT NULL
  GROUP BY ALL
), said AS (
  SELECT e.event_name, e.entity_type, e.user_id, e.entity_id, e.pk, e.sk, e.version, e.category, e.due_date, e.title, e.priority,
    e.created_at, coalesce(e.status, 'unknown') AS last_status, lpad(e.sequence_number, 40, '0') AS seq_key,
    CASE WHEN e.event_name = 'REMOVE' THEN coalesce(t.deleted_at, e.event_time) ELSE e.changed_at END AS said_at,
    CASE WHEN e.event_name <> 'REMOVE' THEN coalesce(e.status, 'unknown') END AS status,
    CASE WHEN e.event_name <> 'INSERT' THEN coalesce(e.old_status, 'unknown') END AS old_status
  FROM task_events e
  LEFT JOIN twins t ON e.event_name = 'REMOVE' AND e.entity_type = 'TASK' AND t.user_id = e.user_id AND t.sk = e.sk
    AND t.old_version = e.old_version
  WHERE e.entity_type IN ('TASK', 'USER')
), ordered AS (
  SELECT *,
    max(said_at) OVER life AS changed_at,
    coalesce(version > 1, false) OR lag(event_name) OVER life IS NOT NULL AS lived_before,
    lead(said_at) OVER life AS next_said_at
  FROM said
  WINDOW life AS (PARTITION BY pk, sk ORDER BY seq_key ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
), dated AS (
  SELECT *, timezone(getvariable('zone'), changed_at) AS local_at,
    CASE WHEN next_said_at IS NOT NULL THEN CAST(timezone(getvariable('zone'), greatest(changed_at, next_said_at)) AS DATE) END
      AS next_day
  FROM ordered
)
SELECT event_name, entity_type, user_id, entity_id, pk, sk, category, due_date, changed_at, status, old_status, title, priority,
  created_at, last_status, CAST(local_at AS DATE) AS day, CAST(hour(local_at) AS INTEGER) AS hour, next_day,
  entity_type = 'TASK' AND event_name = 'INSERT' AND NOT lived_before AS is_created,
  entity_type = 'TASK' AND event_name = 'INSERT' AND lived_before AS is_restored,
  entity_type = 'TASK' AND coalesce(status = 'completed', false) AND coalesce(old_status <> 'completed', NOT lived_before)
    AS is_completed,
  entity_type = 'TASK' AND coalesce(old_status IN ('completed', 'cancelled') AND status IN ('pending', 'in_progress'), false)
    AS is_reopened,
  entity_type = 'TASK' AND event_name = 'REMOVE' AS is_deleted
FROM dated;

CREATE TEMP TABLE calendar AS
SELECT CAST(unnest(generate_series(least(min(day), getvariable('today')), greatest(max(day), getvariable('today')), INTERVAL 1 DAY))
  AS DATE) AS day
FROM changes;

CREATE TEMP TABLE active_days AS
SELECT user_id, day, lead(day) OVER (PARTITION BY user_id ORDER BY day) AS next_day
FROM (SELECT DISTINCT user_id, day FROM changes);

CREATE TEMP TABLE histories AS
SELECT user_id, entity_id, min(changed_at) AS first_change,
  min(changed_at) FILTER (WHERE status = 'in_progress') AS started_at,
  max(changed_at) FILTER (WHERE status = 'completed' AND coalesce(old_status, '') <> 'completed') AS completed_change
FROM changes WHERE entity_type = 'TASK' GROUP BY ALL;

CREATE TEMP TABLE lives AS
WITH dated AS (
  SELECT t.task_id, t.user_id, t.status, t.priority, t.due_date, coalesce(nullif(t.category, ''), '(none)') AS category,
    coalesce(t.created_at, h.first_change) AS created_at,
    CASE WHEN t.status = 'completed' THEN coalesce(t.completed_at, h.completed_change, h.first_change) END AS finished_at,
    h.started_at,
    coalesce(t.status IN ('pending', 'in_progress'), false) AS is_open,
    coalesce(t.status IN ('pending', 'in_progress') AND t.due_date < getvariable('today'), false) AS is_overdue
  FROM tasks t JOIN histories h ON h.user_id = t.user_id AND h.entity_id = t.task_id
)
SELECT *,
  CAST(timezone(getvariable('zone'), created_at) AS DATE) AS created_day,
  CAST(timezone(getvariable('zone'), finished_at) AS DATE) AS finished_day,
  CASE WHEN finished_at IS NOT NULL THEN greatest(epoch_us(finished_at) - epoch_us(created_at), 0) END AS lead_micros,
  CASE WHEN finished_at >= started_at THEN epoch_us(finished_at) - epoch_us(started_at) END AS cycle_micros
FROM dated;

CREATE TEMP TABLE user_analytics AS
SELECT s.user_id, u.email, u.name, s.first_seen, s.last_updated, s.total_events, s.max_event_types
FROM (
  SELECT user_id, min(changed_at) AS first_seen, max(changed_at) AS last_updated, count(*) AS total_events,
    count(DISTINCT event_name) AS max_event_types
  FROM changes GROUP BY user_id
) s LEFT JOIN users u ON u.user_id = s.user_id;

CREATE TEMP TABLE task_analytics_user_metrics AS
SELECT user_id, count(*) AS total_tasks, count(*) FILTER (status = 'completed') AS completed_tasks,
  count(*) FILTER (status = 'pending') AS pending_tasks, count(*) FILTER (status = 'in_progress') AS in_progress_tasks,
  count(*) FILTER (status = 'cancelled') AS cancelled_tasks, count(*) FILTER (is_overdue) AS overdue_tasks,
  count(*) FILTER (status = 'completed') / count(*) AS completion_rate,
  quantile_disc(lead_micros, 0.5) / 3.6e9 AS p50_hours_to_complete,
  quantile_disc(lead_micros, 0.85) / 3.6e9 AS p85_hours_to_complete,
  quantile_disc(lead_micros, 0.95) / 3.6e9 AS p95_hours_to_complete,
  min(created_day) AS first_task_date, max(created_day) AS last_task_date
FROM lives GROUP BY user_id;

CREATE TEMP TABLE task_analytics_category_trends AS
SELECT category, count(*) AS total_tasks, count(*) FILTER (status = 'completed') AS completed_tasks FROM lives GROUP BY category;

CREATE TEMP TABLE category_daily AS
SELECT day, coalesce(nullif(category, ''), '(none)') AS category, count(*) FILTER (is_created) AS created,
  count(*) FILTER (is_completed) AS completed
FROM changes WHERE is_created OR is_completed GROUP BY ALL;

CREATE TEMP TABLE daily_throughput AS
SELECT c.day, coalesce(created, 0) AS created, coalesce(completed, 0) AS completed, coalesce(reopened, 0) AS reopened,
  coalesce(deleted, 0) AS deleted, coalesce(restored, 0) AS restored
FROM calendar c LEFT JOIN (
  SELECT day, count(*) FILTER (is_created) AS created, count(*) FILTER (is_completed) AS completed,
    count(*) FILTER (is_reopened) AS reopened, count(*) FILTER (is_deleted) AS deleted, count(*) FILTER (is_restored) AS restored
  FROM changes GROUP BY day
) n ON n.day = c.day;

CREATE TEMP TABLE cumulative_flow AS
WITH steps AS (
  SELECT day, status, count(*) AS step FROM changes WHERE entity_type = 'TASK' AND status IS NOT NULL GROUP BY ALL
  UNION ALL
  SELECT next_day, status, -count(*) FROM changes
  WHERE entity_type = 'TASK' AND status IS NOT NULL AND next_day IS NOT NULL GROUP BY ALL
), daily AS (
  SELECT day, status, sum(step) AS step FROM steps GROUP BY ALL
), statuses AS (
  SELECT status FROM daily UNION SELECT unnest(['pending', 'in_progress', 'completed', 'cancelled'])
)
SELECT c.day, s.status,
  CAST(sum(coalesce(d.step, 0)) OVER (PARTITION BY s.status ORDER BY c.day) AS BIGINT) AS tasks
FROM calendar c CROSS JOIN statuses s LEFT JOIN daily d ON d.day = c.day AND d.status = s.status;

CREATE TEMP TABLE completion_times AS
SELECT finished_day AS completed_day, category, priority, lead_micros / 3.6e9 AS lead_hours, cycle_micros / 3.6e9 AS cycle_hours,
  task_id, user_id, created_at, finished_at AS completed_at
FROM lives WHERE status = 'completed';

CREATE TEMP TABLE task_facts AS
SELECT c.user_id, c.entity_id AS task_id, c.title, coalesce(nullif(c.category, ''), '(none)') AS category,
  coalesce(nullif(c.priority, ''), '(none)') AS priority, c.last_status AS status, CAST(c.is_deleted AS INTEGER) AS deleted,
  c.due_date, coalesce(c.created_at, h.first_change) AS created_at,
  CAST(timezone(getvariable('zone'), coalesce(c.created_at, h.first_change)) AS DATE) AS created_day,
  d.completed_at, d.completed_day, d.lead_hours, d.cycle_hours
FROM changes c
JOIN histories h ON h.user_id = c.user_id AND h.entity_id = c.entity_id
LEFT JOIN completion_times d ON d.user_id = c.user_id AND d.task_id = c.entity_id
WHERE c.entity_type = 'TASK' AND c.next_day IS NULL;

CREATE TEMP TABLE change_facts AS
SELECT c.user_id, t.task_id, t.category, t.priority, t.status AS task_status, t.created_day, c.changed_at, c.day, c.hour,
  c.next_day, CASE WHEN c.entity_type = 'TASK' THEN c.status END AS status, c.due_date,
  CAST(c.is_created AS INTEGER) AS created, CAST(c.is_completed AS INTEGER) AS completed,
  CAST(c.is_reopened AS INTEGER) AS reopened, CAST(c.is_deleted AS INTEGER) AS deleted, CAST(c.is_restored AS INTEGER) AS restored
FROM changes c LEFT JOIN task_facts t ON c.entity_type = 'TASK' AND t.user_id = c.user_id AND t.task_id = c.entity_id;

CREATE TEMP TABLE open_task_age AS
WITH buckets(age_bucket, bucket_order, least_days, below_days) AS (
  VALUES ('today', 1, 0, 1), ('1-6 days', 2, 1, 7), ('1-2 weeks', 3, 7, 14), ('2-4 weeks', 4, 14, 28), ('1-3 months', 5, 28, 90),
    ('over 3 months', 6, 90, 1000000)
), aged AS (
  SELECT greatest(getvariable('today') - created_day, 0) AS days, is_overdue FROM lives WHERE is_open
)
SELECT age_bucket, bucket_order, count(a.days) AS tasks, count(*) FILTER (a.is_overdue) AS overdue
FROM buckets b LEFT JOIN aged a ON a.days >= b.least_days AND a.days < b.below_days
GROUP BY age_bucket, bucket_order;

CREATE TEMP TABLE activity_heatmap AS
SELECT CAST(w.n AS INTEGER) AS weekday, CAST(h.n AS INTEGER) AS hour, coalesce(c.events, 0) AS events
FROM range(1, 8) w(n) CROSS JOIN range(24) h(n)
LEFT JOIN (SELECT isodow(day) AS weekday, hour, count(*) AS events FROM changes GROUP BY ALL) c
  ON c.weekday = w.n AND c.hour = h.n;

CREATE TEMP TABLE retention_cohorts AS
WITH weeks AS (
  SELECT DISTINCT user_id, CAST(date_trunc('week', day) AS DATE) AS week FROM active_days
), cohorts AS (
  SELECT user_id, week, min(week) OVER (PARTITION BY user_id) AS cohort_week FROM weeks
), sizes AS (
  SELECT cohort_week, count(*) AS cohort_size FROM cohorts WHERE week = cohort_week GROUP BY ALL
), grid AS (
  SELECT cohort_week, cohort_size, unnest(range((( SELECT max(day) FROM calendar) - cohort_week) // 7 + 1)) AS week_number FROM sizes
), active AS (
  SELECT cohort_week, (week - cohort_week) // 7 AS week_number, count(*) AS active_users FROM cohorts GROUP BY ALL
)
SELECT g.cohort_week, CAST(g.week_number AS INTEGER) AS week_number, g.cohort_size, coalesce(a.active_users, 0) AS active_users,
  coalesce(a.active_users, 0) / g.cohort_size AS rate
FROM grid g LEFT JOIN active a ON a.cohort_week = g.cohort_week AND a.week_number = g.week_number;

CREATE TEMP TABLE kpi_daily AS
WITH open_spans AS (
  SELECT greatest(day, due_date + 1) AS first_day, next_day AS last_day FROM changes
  WHERE entity_type = 'TASK' AND status IN ('pending', 'in_progress') AND due_date IS NOT NULL
    AND coalesce(greatest(day, due_date + 1) < next_day, true)
), spans AS (
  SELECT 'total_users' AS metric, day AS first_day, next_day AS last_day FROM changes
  WHERE entity_type = 'USER' AND status IS NOT NULL
  UNION ALL SELECT 'overdue_tasks', first_day, last_day FROM open_spans
  UNION ALL SELECT 'dau', day, day + 1 FROM active_days
  UNION ALL SELECT 'wau', day, least(day + 7, coalesce(next_day, day + 7)) FROM active_days
  UNION ALL SELECT 'mau', day, least(day + 30, coalesce(next_day, day + 30)) FROM active_days
), daily AS (
  SELECT metric, day, sum(step) AS step FROM (
    SELECT metric, first_day AS day, count(*) AS step FROM spans GROUP BY ALL
    UNION ALL SELECT metric, last_day, -count(*) FROM spans WHERE last_day IS NOT NULL GROUP BY ALL
  ) GROUP BY ALL
), running AS (
  SELECT c.day, m.metric, CAST(sum(coalesce(d.step, 0)) OVER (PARTITION BY m.metric ORDER BY c.day) AS DOUBLE) AS value
  FROM calendar c CROSS JOIN (SELECT unnest(['total_users', 'overdue_tasks', 'dau', 'wau', 'mau']) AS metric) m
  LEFT JOIN daily d ON d.day = c.day AND d.metric = m.metric
), flow AS (
  SELECT f.day, CAST(sum(tasks) AS DOUBLE) AS total_tasks,
    CAST(coalesce(sum(tasks) FILTER (status = 'completed'), 0) AS DOUBLE) AS completed_tasks,
    CAST(coalesce(sum(tasks) FILTER (status = 'pending'), 0) AS DOUBLE) AS pending_tasks,
    CAST(coalesce(sum(tasks) FILTER (status = 'in_progress'), 0) AS DOUBLE) AS in_progress_tasks,
    CAST(coalesce(sum(tasks) FILTER (status = 'cancelled'), 0) AS DOUBLE) AS cancelled_tasks
  FROM cumulative_flow f GROUP BY f.day
), wide AS (
  SELECT f.*, pending_tasks + in_progress_tasks AS open_tasks,
    coalesce(completed_tasks / nullif(total_tasks, 0), 0) AS completion_rate,
    coalesce(total_tasks / nullif(r.value, 0), 0) AS avg_tasks_per_user,
    CAST(created AS DOUBLE) AS tasks_created, CAST(completed AS DOUBLE) AS tasks_completed,
    CAST(reopened AS DOUBLE) AS tasks_reopened, CAST(deleted AS DOUBLE) AS tasks_deleted
  FROM flow f JOIN running r ON r.day = f.day AND r.metric = 'total_users' JOIN daily_throughput d ON d.day = f.day
)
SELECT day, metric, value FROM running
UNION ALL SELECT day, 'active_users', value FROM running WHERE metric = 'mau'
UNION ALL SELECT day, metric, value FROM (UNPIVOT wide ON * EXCLUDE (day) INTO NAME metric VALUE value);

CREATE TEMP TABLE business_metrics_kpis AS
WITH wide AS (
  SELECT
    CAST((SELECT count(*) FROM users) AS DOUBLE) AS total_users,
    CAST(count(*) AS DOUBLE) AS total_tasks,
    CAST(count(*) FILTER (status = 'completed') AS DOUBLE) AS completed_tasks,
    CAST(count(*) FILTER (status = 'pending') AS DOUBLE) AS pending_tasks,
    CAST(count(*) FILTER (status = 'in_progress') AS DOUBLE) AS in_progress_tasks,
    CAST(count(*) FILTER (status = 'cancelled') AS DOUBLE) AS cancelled_tasks,
    CAST(count(*) FILTER (is_open) AS DOUBLE) AS open_tasks,
    CAST(count(*) FILTER (is_overdue) AS DOUBLE) AS overdue_tasks,
    coalesce(CAST(count(*) FILTER (status = 'completed') AS DOUBLE) / nullif(count(*), 0), 0) AS completion_rate,
    coalesce(quantile_disc(lead_micros, 0.5) / 3.6e9, 0) AS p50_hours_to_complete,
    coalesce(quantile_disc(lead_micros, 0.85) / 3.6e9, 0) AS p85_hours_to_complete,
    coalesce(quantile_disc(lead_micros, 0.95) / 3.6e9, 0) AS p95_hours_to_complete,
    CAST((SELECT count(*) FROM changes) AS DOUBLE) AS total_events
  FROM lives
), activity AS (
  SELECT CAST(count(DISTINCT user_id) FILTER (day = getvariable('today')) AS DOUBLE) AS dau,
    CAST(count(DISTINCT user_id) FILTER (day > getvariable('today') - 7) AS DOUBLE) AS wau,
    CAST(count(DISTINCT user_id) FILTER (day > getvariable('today') - 30) AS DOUBLE) AS mau
  FROM active_days WHERE day <= getvariable('today')
), all_of_it AS (
  SELECT *, mau AS active_users, coalesce(total_tasks / nullif(total_users, 0), 0) AS avg_tasks_per_user,
    coalesce(dau / nullif(mau, 0), 0) AS stickiness
  FROM wide CROSS JOIN activity
)
UNPIVOT all_of_it ON * INTO NAME metric VALUE value;
