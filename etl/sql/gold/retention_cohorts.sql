-- Grain: one row per cohort and week since it began, up to the week the calendar ends in; weeks start on Monday.
--
-- cohort_week   Monday of the week of a user's first change; cohort_size: how many users began that week.
-- active_users  of them, how many made at least one change week_number weeks later.
-- rate          active_users / cohort_size, 0 to 1 (week 0 is always 1).
WITH weeks AS (
  SELECT DISTINCT user_id, date_sub(day, CAST(pmod(datediff(day, DATE '1970-01-05'), 7) AS int)) AS week
  FROM active_days
), cohorts AS (
  SELECT user_id, min(week) AS cohort_week FROM weeks GROUP BY user_id
), sizes AS (
  SELECT cohort_week, CAST(count(*) AS bigint) AS cohort_size FROM cohorts GROUP BY cohort_week
), last_day AS (
  SELECT max(day) AS day FROM calendar
), grid AS (
  SELECT s.cohort_week, s.cohort_size,
    explode(sequence(0, CAST(datediff(l.day, s.cohort_week) div 7 AS int))) AS week_number
  FROM sizes s CROSS JOIN last_day l
), active AS (
  SELECT c.cohort_week, CAST(datediff(w.week, c.cohort_week) div 7 AS int) AS week_number,
    CAST(count(*) AS bigint) AS active_users
  FROM weeks w JOIN cohorts c ON c.user_id = w.user_id
  GROUP BY c.cohort_week, CAST(datediff(w.week, c.cohort_week) div 7 AS int)
)
SELECT
  g.cohort_week, CAST(g.week_number AS int) AS week_number, g.cohort_size,
  coalesce(a.active_users, CAST(0 AS bigint)) AS active_users,
  CAST(coalesce(a.active_users, CAST(0 AS bigint)) AS double) / CAST(g.cohort_size AS double) AS rate
FROM grid g
LEFT JOIN active a ON a.cohort_week = g.cohort_week AND a.week_number = CAST(g.week_number AS int)
