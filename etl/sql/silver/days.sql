-- Grain: one row per user bucket and day that has events among the rows read in this run; day is null for rows that
-- cannot be used.
--
-- Copies of an event lie on the same day: all are of one stream record, and so is their time. So a copy can only be known
-- from the history of these days. What a row is a copy of that cannot be used, only its event_id tells.
SELECT DISTINCT user_bucket, CASE WHEN reason IS NULL THEN CAST(event_time AS date) END AS day
FROM parsed
