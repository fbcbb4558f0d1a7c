-- Staging. Grain: one row per cell, day, measure and key, of the measures that count distinct people, who do not add up
-- over tasks: made of all of a person's visits, for touched people only.
--
-- active  (key 1, 7, 30) people with a change in the last so many days, as steps: +1 on the first day, -1 on the day
--         after the last.
-- cohort  (key: weeks since) people whose first week it is (day: its Monday) that changed something so many weeks later.
WITH choices AS (
  SELECT of_category, of_priority, of_status
  FROM VALUES (0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 0, 0), (1, 0, 1), (1, 1, 0), (1, 1, 1)
    AS grid(of_category, of_priority, of_status)
), present AS (
  SELECT DISTINCT v.user_id,
    CASE WHEN k.of_category = 1 THEN v.category ELSE '' END AS category,
    CASE WHEN k.of_priority = 1 THEN v.priority ELSE '' END AS priority,
    CASE WHEN k.of_status = 1 THEN v.status ELSE '' END AS status, v.day
  FROM visits v CROSS JOIN choices k
  WHERE v.category <> '' OR k.of_category + k.of_priority + k.of_status = 0
), followed AS (
  SELECT user_id, category, priority, status, day,
    lead(day) OVER (PARTITION BY user_id, category, priority, status ORDER BY day) AS next_day
  FROM present
), lengths AS (
  SELECT CAST(days AS int) AS days, CAST(step AS bigint) AS step
  FROM VALUES (1, 1), (1, -1), (7, 1), (7, -1), (30, 1), (30, -1) AS spans(days, step)
), weeks AS (
  SELECT DISTINCT user_id, category, priority, status,
    date_sub(day, CAST(pmod(datediff(day, DATE '1970-01-05'), 7) AS int)) AS week
  FROM present
), numbered AS (
  SELECT category, priority, status, week, min(week) OVER (PARTITION BY user_id, category, priority, status) AS first_week
  FROM weeks
), together AS (
  SELECT f.category, f.priority, f.status, 'active' AS measure, CAST(l.days AS bigint) AS key, l.step AS n,
    CASE WHEN l.step = 1 THEN f.day
         ELSE least(date_add(f.day, l.days), coalesce(f.next_day, date_add(f.day, l.days))) END AS day
  FROM followed f CROSS JOIN lengths l
  UNION ALL
  SELECT category, priority, status, 'cohort', CAST(datediff(week, first_week) div 7 AS bigint), CAST(1 AS bigint), first_week
  FROM numbered
)
SELECT category, priority, status, day, measure, key, CAST(sum(n) AS bigint) AS n
FROM together
GROUP BY category, priority, status, day, measure, key
HAVING CAST(sum(n) AS bigint) <> 0
