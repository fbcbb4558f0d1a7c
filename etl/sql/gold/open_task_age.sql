-- Grain: one row per age bucket, empty ones included; only tasks pending or in progress now.
-- Age is in reporting days since the day the task was created. overdue: those with a due date before today.
WITH buckets AS (
  SELECT CAST(bucket_order AS int) AS bucket_order, age_bucket, CAST(least_days AS int) AS least_days, CAST(below_days AS int) AS below_days
  FROM VALUES
    (1, 'today', 0, 1), (2, '1-6 days', 1, 7), (3, '1-2 weeks', 7, 14), (4, '2-4 weeks', 14, 28),
    (5, '1-3 months', 28, 90), (6, 'over 3 months', 90, 1000000) AS bounds(bucket_order, age_bucket, least_days, below_days)
), aged AS (
  SELECT greatest(datediff(CAST(:today AS date), created_day), 0) AS days, is_overdue
  FROM lives
  WHERE is_open
)
SELECT
  b.age_bucket, b.bucket_order,
  CAST(count(a.days) AS bigint) AS tasks,
  CAST(count_if(a.is_overdue) AS bigint) AS overdue
FROM buckets b
LEFT JOIN aged a ON a.days >= b.least_days AND a.days < b.below_days
GROUP BY b.age_bucket, b.bucket_order
