-- Grain: one row per category of the tasks that exist now; '(none)' stands for tasks without one.
SELECT
  category,
  CAST(count(*) AS bigint) AS total_tasks,
  CAST(count_if(status = 'completed') AS bigint) AS completed_tasks
FROM lives
GROUP BY category
