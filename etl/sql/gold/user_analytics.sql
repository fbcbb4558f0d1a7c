-- Grain: one row per user with at least one change, ever.
--
-- first_seen, last_updated  business time of the user's first and last change (UTC).
-- total_events              changes to the user's tasks and profile, each once.
-- max_event_types           how many of the kinds INSERT, MODIFY, REMOVE are among them (1 to 3).
-- email, name               from the profile as it is now; null where there is none.
WITH seen AS (
  SELECT
    user_id,
    min(changed_at) AS first_seen,
    max(changed_at) AS last_updated,
    CAST(count(*) AS bigint) AS total_events,
    CAST(count(DISTINCT event_name) AS bigint) AS max_event_types
  FROM changes
  GROUP BY user_id
)
SELECT s.user_id, u.email, u.name, s.first_seen, s.last_updated, s.total_events, s.max_event_types
FROM seen s
LEFT JOIN users u ON u.user_id = s.user_id
