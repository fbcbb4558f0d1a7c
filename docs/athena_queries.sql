-- A tour of the lake, for Athena (Trino SQL), database todo_analytics. Each query stands alone; tests run them all.
-- Days are days of REPORTING_TIMEZONE, times are UTC. etl/README.md defines what each figure counts.

-- 01 The business on one page: every metric as it stands now.
SELECT metric, value FROM business_metrics_kpis ORDER BY metric;

-- 02 What happened in each month.
SELECT date_format(day, '%Y-%m') AS month, sum(created) AS created, sum(completed) AS completed,
  sum(reopened) AS reopened, sum(deleted) AS deleted, sum(restored) AS restored
FROM daily_throughput GROUP BY 1 ORDER BY 1;

-- 03 Work in progress at the end of each Sunday: is the queue growing?
SELECT day, sum(tasks) AS open_tasks FROM cumulative_flow
WHERE status IN ('pending', 'in_progress') AND day_of_week(day) = 7
GROUP BY day ORDER BY day;

-- 04 How long tasks take, by category: mean and maximum, in hours.
SELECT category, count(*) AS completed, round(avg(lead_hours), 3) AS mean_hours, round(max(lead_hours), 3) AS slowest_hours
FROM completion_times GROUP BY category ORDER BY category;

-- 05 Who has the most overdue work.
SELECT m.user_id, a.email, m.overdue_tasks, m.total_tasks
FROM task_analytics_user_metrics m LEFT JOIN user_analytics a ON a.user_id = m.user_id
WHERE m.overdue_tasks > 0 ORDER BY m.overdue_tasks DESC, m.user_id LIMIT 20;

-- 06 The age of open work.
SELECT age_bucket, tasks, overdue FROM open_task_age ORDER BY bucket_order;

-- 07 The busiest hours of the week (1 = Monday).
SELECT weekday, hour, events FROM activity_heatmap WHERE events > 0 ORDER BY events DESC, weekday, hour LIMIT 10;

-- 08 How many people of each weekly cohort came back the week after.
SELECT cohort_week, cohort_size, active_users, round(rate, 4) AS rate
FROM retention_cohorts WHERE week_number = 1 ORDER BY cohort_week;

-- 09 Categories in which more tasks are created than completed.
SELECT category, sum(created) AS created, sum(completed) AS completed
FROM category_daily GROUP BY category HAVING sum(created) > sum(completed) ORDER BY category;

-- 10 Overdue tasks, the most urgent first, from Silver.
SELECT user_id, task_id, title, priority, due_date FROM tasks
WHERE status IN ('pending', 'in_progress') AND due_date < (SELECT max(day) FROM daily_throughput)
ORDER BY due_date, task_id;

-- 11 The history of each task that was completed more than once.
SELECT user_id, entity_id, count(*) AS completions, min(changed_at) AS first_time, max(changed_at) AS last_time
FROM task_events
WHERE entity_type = 'TASK' AND event_name = 'MODIFY' AND status = 'completed' AND coalesce(old_status, '') <> 'completed'
GROUP BY user_id, entity_id HAVING count(*) > 1 ORDER BY entity_id;

-- 12 Attributes without a column of their own, read from the image: here an estimate.
SELECT task_id, json_extract_scalar(image, '$.estimate') AS estimate FROM tasks
WHERE json_extract_scalar(image, '$.estimate') IS NOT NULL ORDER BY task_id;

-- 13 How often each tag is used; tags are a JSON array.
SELECT tag, count(*) AS tasks
FROM tasks CROSS JOIN UNNEST(CAST(json_parse(tags) AS array(varchar))) AS t(tag)
WHERE tags IS NOT NULL GROUP BY tag ORDER BY tag;

-- 14 The requests that made the most changes, and who sent them.
SELECT request_id, updated_by, count(*) AS changes FROM task_events
WHERE request_id IS NOT NULL GROUP BY request_id, updated_by ORDER BY changes DESC, request_id LIMIT 5;

-- 15 Rows that could not be read, and why.
SELECT reason, count(*) AS found FROM quarantine GROUP BY reason ORDER BY reason;

-- 16 Deliveries that arrived more than once, from Bronze; Athena reads only the partitions of one month.
SELECT count(*) AS rows_delivered, count(DISTINCT event_id) AS events FROM cdc WHERE year = '2026' AND month = '03';

-- 17 How much of Bronze each user bucket holds: an uneven distribution would slow every run.
SELECT user_bucket, count(DISTINCT event_id) AS events FROM cdc GROUP BY user_bucket ORDER BY user_bucket;

-- 18 One person's days: what they did, most recent first.
SELECT day, sum(created) AS created, sum(completed) AS completed, count(*) AS changes
FROM change_facts WHERE user_id = 'ann' GROUP BY day ORDER BY day DESC LIMIT 7;

-- 19 The requests that changed a task (here the one changed most often): what they asked for, and how they were answered.
SELECT e.version, e.event_name, e.changed_at, r.operation, r.status, json_extract_scalar(r.metadata, '$.body.status') AS asked
FROM task_events e
LEFT JOIN (
  SELECT DISTINCT request_id, operation, status, metadata FROM requests WHERE year = '2026' AND month IN ('03', '04', '05')
) r ON r.request_id = e.request_id
WHERE e.event_name <> 'REMOVE' AND e.entity_id = (
  SELECT entity_id FROM task_events WHERE entity_type = 'TASK' GROUP BY entity_id ORDER BY count(*) DESC, entity_id LIMIT 1
)
ORDER BY e.version, e.event_time;

-- 20 The requests of one month by operation: how many, how many refused, the slowest. A line may be delivered twice.
SELECT operation, count(*) AS requests, count_if(CAST(status AS integer) >= 400) AS refused, max(duration_ms) AS slowest_ms
FROM (
  SELECT DISTINCT request_id, operation, status, duration_ms FROM requests
  WHERE message = 'request' AND year = '2026' AND month = '03'
)
GROUP BY operation ORDER BY operation;

-- 21 Changes whose request is not in the request log: not written by the site, or the line has not arrived yet.
SELECT count(*) AS changes FROM task_events e
WHERE e.request_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM requests r WHERE r.request_id = e.request_id);
