-- Grain: one row per cell (category, priority, status, each empty for any), day, measure and key: what a run adds.
-- month: of the day, within bounds that no odd date leaves. category_bucket: where a category's rows lie, 'any' for all.
WITH both AS (
  SELECT category, priority, status, day, measure, key, n FROM steps
  UNION ALL
  SELECT category, priority, status, day, measure, key, n FROM openings
)
SELECT category, priority, status, day, measure, key, n,
  substring(CAST(least(greatest(day, DATE '2000-01-01'), DATE '2099-12-31') AS string), 1, 7) AS month,
  CASE WHEN category = '' THEN 'any' ELSE substring(sha2(category, 256), 1, 1) END AS category_bucket
FROM both
