-- Grain: one row per reporting day and category on which a task was created or completed.
-- The category is the task's at that moment; '(none)' where it had none. created and completed as in daily_throughput.
SELECT
  day,
  coalesce(nullif(category, ''), '(none)') AS category,
  CAST(count_if(is_created) AS bigint) AS created,
  CAST(count_if(is_completed) AS bigint) AS completed
FROM changes
WHERE is_created OR is_completed
GROUP BY day, coalesce(nullif(category, ''), '(none)')
