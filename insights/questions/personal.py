"""Questions a person asks of their own work: streaks and weeks. ``user`` is always the person who asks."""

from django.utils.translation import gettext_lazy as _

from insights import habits
from insights.model import Column, Question

# Days in a row have the same distance to their place in the row.
STREAKS = Question(
    slug="streaks",
    title=_("Streaks"),
    definition=_(
        "Runs of days on each of which you completed at least one task; today counts once you have."
    ),
    grain=_("one row a streak"),
    span="period",
    sql="""
WITH days AS (
  SELECT day, sum(completed) AS completed
  FROM change_facts
  WHERE completed = 1 AND day <= CAST(? AS date) AND user_id = ?
    AND ? IN ('', category) AND ? IN ('', priority) AND ? IN ('', task_status)
  GROUP BY day
), runs AS (
  SELECT day, completed, date_add('day', -row_number() OVER (ORDER BY day), day) AS run FROM days
)
SELECT min(day) AS first_day, max(day) AS last_day, count(*) AS days, sum(completed) AS completed
FROM runs
GROUP BY run
ORDER BY first_day DESC
""",
    parameters=("end", "user", "category", "priority", "status"),
    columns=(
        Column("first_day", _("From"), "date"),
        Column("last_day", _("To"), "date"),
        Column("days", _("Days")),
        Column("completed", _("Completed")),
    ),
    draw=habits.streaks,
)

WEEKS = Question(
    slug="weeks",
    title=_("Week by week"),
    definition=_(
        "Your completions in each of the last twelve weeks; weeks begin on Monday, and this one is not over yet."
    ),
    grain=_("one row a week"),
    span="weeks",
    sql="""
WITH counted AS (
  SELECT date_trunc('week', day) AS week, sum(completed) AS completed
  FROM change_facts
  WHERE user_id = ? AND day <= CAST(? AS date)
    AND ? IN ('', category) AND ? IN ('', priority) AND ? IN ('', task_status)
  GROUP BY date_trunc('week', day)
), weeks AS (
  SELECT date_add('day', -7 * numbers.n, date_trunc('week', CAST(? AS date))) AS week
  FROM UNNEST(sequence(0, 11)) AS numbers(n)
)
SELECT w.week, coalesce(c.completed, 0) AS completed
FROM weeks w
LEFT JOIN counted c ON c.week = w.week
ORDER BY w.week
""",
    parameters=("user", "end", "category", "priority", "status", "end"),
    columns=(Column("week", _("Week of"), "date"), Column("completed", _("Completed"))),
    draw=habits.weeks,
)
