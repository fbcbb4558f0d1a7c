-- Grain: one row per reporting day of the calendar, days without changes included.
--
-- created    tasks that came into being (restores are not).
-- completed  changes that made a task completed; a task completed twice counts twice.
-- reopened   changes from completed or cancelled back to pending or in progress.
-- deleted    tasks moved to the trash or removed outright; the trash expiring is not a deletion.
-- restored   tasks brought back from the trash.
WITH counted AS (
  SELECT
    day,
    CAST(count_if(is_created) AS bigint) AS created,
    CAST(count_if(is_completed) AS bigint) AS completed,
    CAST(count_if(is_reopened) AS bigint) AS reopened,
    CAST(count_if(is_deleted) AS bigint) AS deleted,
    CAST(count_if(is_restored) AS bigint) AS restored
  FROM changes
  GROUP BY day
)
SELECT
  c.day,
  coalesce(n.created, CAST(0 AS bigint)) AS created,
  coalesce(n.completed, CAST(0 AS bigint)) AS completed,
  coalesce(n.reopened, CAST(0 AS bigint)) AS reopened,
  coalesce(n.deleted, CAST(0 AS bigint)) AS deleted,
  coalesce(n.restored, CAST(0 AS bigint)) AS restored
FROM calendar c
LEFT JOIN counted n ON n.day = c.day
