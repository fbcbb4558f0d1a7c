"""Drill-down, from a value of a chart to its tasks: one statement with a branch for each kind of predicate.

The other branches read nothing, because their condition is false before the query runs. ``total`` is the value that the
chart shows: each event counts, so a task may count twice. Titles stay in the warehouse unless they may be shown.
"""

from django.utils.translation import gettext_lazy as _

from insights.model import Column, Statement
from insights.questions.flow import CHOICE

COLUMNS = (
    Column("task_id", _("Task"), "text"),
    Column("title", _("Title"), "text"),
    Column("person", _("Person"), "text", filters_by=("user", "user_id")),
    Column("user_id", _("Person's id"), "text"),
    Column("category", _("Category"), "name", filters_by=("category", "category")),
    Column("priority", _("Priority"), "word"),
    Column("status", _("Status now"), "word"),
    Column("due_date", _("Due"), "date"),
    Column("created_at", _("Created (UTC)"), "moment"),
    Column("changed_at", _("Changed (UTC)"), "moment"),
    Column("times", _("Times")),
    Column("lead_hours", _("Lead time"), "hours"),
    Column("cycle_hours", _("Cycle time"), "hours"),
)

# The filters choose tasks by what they are now, and a change carries what its task is now: so they are applied once, at
# the end. Only who began when depends on them, too.
DRILL_DOWN = Statement(
    slug="tasks",
    sql="""
WITH cohort_changes AS (
  SELECT task_id, user_id, day, changed_at
  FROM change_facts
  WHERE ? = 'cohort'
    AND ? IN ('', category) AND ? IN ('', priority) AND ? IN ('', task_status) AND ? IN ('', user_id)
), cohorts AS (
  SELECT user_id, date_trunc('week', min(day)) AS cohort_week FROM cohort_changes GROUP BY user_id
), counted AS (
  SELECT task_id, user_id, changed_at
  FROM change_facts
  WHERE ? = 'event' AND task_id IS NOT NULL AND day BETWEEN CAST(? AS date) AND CAST(? AS date)
    AND CASE ? WHEN 'created' THEN created WHEN 'completed' THEN completed WHEN 'reopened' THEN reopened
      WHEN 'deleted' THEN deleted ELSE 1 END = 1
    AND ? IN (0, day_of_week(day)) AND ? IN (-1, hour)
  UNION ALL
  SELECT c.task_id, c.user_id, c.changed_at
  FROM change_facts c CROSS JOIN (SELECT CAST(? AS date) AS day) a
  WHERE ? = 'status_as_of' AND c.task_id IS NOT NULL AND c.status IS NOT NULL
    AND c.day <= a.day AND coalesce(c.next_day > a.day, true)
    AND CASE ? WHEN 'any' THEN true
      WHEN 'open' THEN c.status IN ('pending', 'in_progress')
      WHEN 'overdue' THEN c.status IN ('pending', 'in_progress') AND coalesce(c.due_date < a.day, false)
      WHEN 'in_time' THEN c.status IN ('pending', 'in_progress') AND coalesce(c.due_date >= a.day, true)
      ELSE c.status = ? END
    AND greatest(date_diff('day', c.created_day, a.day), 0) BETWEEN ? AND ?
  UNION ALL
  SELECT task_id, user_id, completed_at
  FROM task_facts
  WHERE ? = 'duration' AND completed_day BETWEEN CAST(? AS date) AND CAST(? AS date)
    AND CASE ? WHEN 'cycle' THEN cycle_hours ELSE lead_hours END >= ?
    AND CASE ? WHEN 'cycle' THEN cycle_hours ELSE lead_hours END < ?
  UNION ALL
  SELECT c.task_id, c.user_id, c.changed_at
  FROM cohort_changes c JOIN cohorts b ON b.user_id = c.user_id
  WHERE c.task_id IS NOT NULL AND b.cohort_week = CAST(? AS date)
    AND date_diff('week', b.cohort_week, date_trunc('week', c.day)) = ?
), picked AS (
  SELECT task_id, user_id, count(*) AS times, max(changed_at) AS changed_at FROM counted GROUP BY task_id, user_id
), numbered AS (
  SELECT p.task_id, p.user_id, p.times, p.changed_at,
    CASE WHEN ? = 'yes' THEN t.title END AS title, t.category, t.priority, t.status, t.deleted, t.due_date,
    t.created_at, t.lead_hours, t.cycle_hours,
    row_number() OVER (ORDER BY p.changed_at DESC, p.task_id) AS place, count(*) OVER () AS tasks,
    sum(p.times) OVER () AS total
  FROM picked p JOIN task_facts t ON t.user_id = p.user_id AND t.task_id = p.task_id
  WHERE ? IN ('', t.category) AND ? IN ('', t.priority) AND ? IN ('', t.status) AND ? IN ('', t.user_id)
    AND ? IN ('', t.category) AND strpos(?, ',' || lower(substr(to_hex(md5(to_utf8(t.category))), 1, 10)) || ',') = 0
    AND ? IN ('', t.user_id) AND strpos(?, chr(31) || t.user_id || chr(31)) = 0
)
SELECT n.task_id, n.title, coalesce(u.name, '') AS person, n.user_id, n.category, n.priority, n.status, n.deleted,
       n.due_date, n.created_at, n.changed_at, n.times, n.lead_hours, n.cycle_hours, n.place, n.tasks, n.total
FROM numbered n LEFT JOIN user_analytics u ON u.user_id = n.user_id
WHERE n.place BETWEEN ? AND ?
ORDER BY n.place
""",
    parameters=(
        *("branch", *CHOICE),
        *("branch", "first", "last", "kind", "weekday", "hour"),
        *("day", "branch", "kind", "kind", "youngest", "oldest"),
        *("branch", "first", "last", "kind", "low", "kind", "high"),
        *("first_week", "week"),
        *("titles", *CHOICE, "only_category", "except_categories", "only_user", "except_users"),
        *("first_row", "last_row"),
    ),
)
