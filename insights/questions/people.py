"""Questions about the people who do the work."""

from django.utils.translation import gettext_lazy as _

from insights import heatmaps, rankings
from insights.model import Column, Question
from insights.questions.flow import CHOICE

HEATMAP = Question(
    slug="activity",
    title=_("When work happens"),
    definition=_("Changes to tasks in the period, by weekday and hour of the reporting timezone."),
    grain=_("one row a weekday and hour with changes"),
    span="period",
    sql="""
WITH asked AS (
  SELECT CAST(? AS date) AS previous_start, CAST(? AS date) AS start, CAST(? AS date) AS last_day
)
SELECT day_of_week(c.day) AS weekday, c.hour,
       sum(CASE WHEN c.day >= a.start THEN 1 ELSE 0 END) AS events,
       sum(CASE WHEN c.day < a.start THEN 1 ELSE 0 END) AS events_before
FROM change_facts c CROSS JOIN asked a
WHERE c.task_id IS NOT NULL AND c.day BETWEEN a.previous_start AND a.last_day
  AND ? IN ('', c.category) AND ? IN ('', c.priority) AND ? IN ('', c.task_status) AND ? IN ('', c.user_id)
GROUP BY day_of_week(c.day), c.hour
ORDER BY weekday, c.hour
""",
    parameters=("previous_start", "start", "end", *CHOICE),
    columns=(
        Column("weekday", _("Weekday (1 = Monday)")),
        Column("hour", _("Hour")),
        Column("events", _("Changes")),
        Column("events_before", _("Changes in the period before")),
    ),
    draw=heatmaps.activity,
)

# A week is complete once the day after it has come. Twelve weeks: more rows say no more about today.
RETENTION = Question(
    slug="retention",
    title=_("Who comes back"),
    definition=_(
        "People by the week of their first change to a task or their profile, and the share of them that changed "
        "something again each week since, over the last twelve weeks; weeks begin on Monday, and the last one is not "
        "over yet. With a filter for tasks, only changes to those tasks count."
    ),
    grain=_("one row a starting week and week since"),
    span="weeks",
    sql="""
WITH asked AS (
  SELECT CAST(? AS date) AS last_day, date_trunc('week', CAST(? AS date)) AS last_week
), weeks AS (
  SELECT DISTINCT c.user_id, date_trunc('week', c.day) AS week
  FROM change_facts c CROSS JOIN asked a
  WHERE c.day <= a.last_day
    AND ? IN ('', c.category) AND ? IN ('', c.priority) AND ? IN ('', c.task_status) AND ? IN ('', c.user_id)
), cohorts AS (
  SELECT user_id, min(week) AS cohort_week FROM weeks GROUP BY user_id
), sizes AS (
  SELECT cohort_week, count(*) AS cohort_size FROM cohorts GROUP BY cohort_week
), grid AS (
  SELECT s.cohort_week, s.cohort_size, numbers.week_number, a.last_day,
    date_diff('week', s.cohort_week, a.last_week) AS last_number
  FROM sizes s CROSS JOIN asked a CROSS JOIN UNNEST(sequence(0, 11)) AS numbers(week_number)
), active AS (
  SELECT c.cohort_week, date_diff('week', c.cohort_week, w.week) AS week_number, count(*) AS active_users
  FROM weeks w JOIN cohorts c ON c.user_id = w.user_id
  GROUP BY c.cohort_week, date_diff('week', c.cohort_week, w.week)
)
SELECT g.cohort_week, g.week_number, g.cohort_size, coalesce(a.active_users, 0) AS active_users,
       CAST(coalesce(a.active_users, 0) AS double) / CAST(g.cohort_size AS double) AS rate,
       CASE WHEN date_add('day', 7 * (g.week_number + 1) - 1, g.cohort_week) <= g.last_day THEN 1 ELSE 0 END AS complete
FROM grid g
LEFT JOIN active a ON a.cohort_week = g.cohort_week AND a.week_number = g.week_number
WHERE g.last_number <= 11 AND g.week_number <= g.last_number
ORDER BY g.cohort_week, g.week_number
""",
    parameters=("end", "end", *CHOICE),
    columns=(
        Column("cohort_week", _("First week"), "date"),
        Column("week_number", _("Weeks since")),
        Column("cohort_size", _("People")),
        Column("active_users", _("Active")),
        Column("rate", _("Share"), "percent"),
    ),
    draw=heatmaps.retention,
)

TOP_USERS = Question(
    slug="top-users",
    title=_("Top people"),
    definition=_(
        "The ten people with the most completions in the period, and everybody else as one; open and overdue: at the "
        "end of the period; median: half of the tasks completed in the period took at most this long."
    ),
    grain=_("one row a person, and one for all others"),
    span="period",
    sql="""
WITH asked AS (
  SELECT CAST(? AS date) AS previous_start, CAST(? AS date) AS start, CAST(? AS date) AS last_day
), chosen AS (
  SELECT c.user_id, c.day, c.created, c.completed, a.previous_start, a.start,
    CASE WHEN coalesce(c.next_day > a.last_day, true) AND c.status IN ('pending', 'in_progress') THEN 1 ELSE 0 END
      AS open,
    CASE WHEN c.due_date < a.last_day THEN 1 ELSE 0 END AS late
  FROM change_facts c CROSS JOIN asked a
  WHERE c.task_id IS NOT NULL AND c.day <= a.last_day
    AND ? IN ('', c.category) AND ? IN ('', c.priority) AND ? IN ('', c.task_status) AND ? IN ('', c.user_id)
), counted AS (
  SELECT user_id,
    sum(CASE WHEN day >= start THEN completed ELSE 0 END) AS completed,
    sum(CASE WHEN day >= start THEN created ELSE 0 END) AS created,
    sum(CASE WHEN day < start AND day >= previous_start THEN completed ELSE 0 END) AS completed_before,
    sum(open) AS open_tasks, sum(open * late) AS overdue_tasks
  FROM chosen
  GROUP BY user_id
), ranked AS (
  SELECT user_id, completed, created, completed_before, open_tasks, overdue_tasks,
    least(row_number() OVER (ORDER BY completed DESC, created DESC, open_tasks DESC, user_id), 11) AS place
  FROM counted
  WHERE completed + created + open_tasks + completed_before > 0
), summed AS (
  SELECT place, CASE WHEN place <= 10 THEN max(user_id) ELSE '' END AS user_id, count(*) AS people,
    sum(completed) AS completed, sum(created) AS created, sum(completed_before) AS completed_before,
    sum(open_tasks) AS open_tasks, sum(overdue_tasks) AS overdue_tasks
  FROM ranked
  GROUP BY place
), times AS (
  SELECT r.place, t.lead_hours, row_number() OVER (PARTITION BY r.place ORDER BY t.lead_hours) AS position,
    count(*) OVER (PARTITION BY r.place) AS total
  FROM task_facts t JOIN ranked r ON r.user_id = t.user_id CROSS JOIN asked a
  WHERE t.completed_day BETWEEN a.start AND a.last_day AND t.lead_hours IS NOT NULL
    AND ? IN ('', t.category) AND ? IN ('', t.priority) AND ? IN ('', t.status)
), medians AS (
  SELECT place, max(CASE WHEN position = CAST(ceil(total * 0.50) AS bigint) THEN lead_hours END) AS p50_hours
  FROM times
  GROUP BY place
)
SELECT s.place, s.user_id, coalesce(u.name, '') AS person, s.people, s.completed, s.created, s.open_tasks,
       s.overdue_tasks, m.p50_hours, s.completed_before
FROM summed s
LEFT JOIN medians m ON m.place = s.place
LEFT JOIN user_analytics u ON u.user_id = s.user_id
ORDER BY s.place
""",
    parameters=("previous_start", "start", "end", *CHOICE, *CHOICE[:3]),
    columns=(
        Column("place", _("Place")),
        Column("user_id", _("Person's id"), "text"),
        Column("person", _("Person"), "text"),
        Column("people", _("People")),
        Column("completed", _("Completed")),
        Column("created", _("Created")),
        Column("open_tasks", _("Open")),
        Column("overdue_tasks", _("Overdue")),
        Column("p50_hours", _("Median time"), "hours"),
        Column("completed_before", _("Completed in the period before")),
    ),
    draw=rankings.top_users,
)
