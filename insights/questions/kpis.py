"""The question behind the figures at the top of the page (KPIs)."""

from django.utils.translation import gettext_lazy as _

from insights import kpis
from insights.model import Column, Question
from insights.questions.flow import CHOICE

# One long list of (day, metric, value): each figure's value today, its past, and its sparkline. A level is a running
# sum of steps: +1 on the day something begins to count, -1 on the day it stops. Athena runs a WITH as often as it is
# named, so each change is read once and makes all its steps there: begins and ends to be, begins and ends to be late.
KPIS = Question(
    slug="kpis",
    title=_("Key figures"),
    definition=_("The figures at the top of the page, a value a day, for the period and the one before it."),
    grain=_("one row a day and metric"),
    span="period",
    sql="""
WITH asked AS (
  SELECT CAST(? AS date) AS first_day, CAST(? AS date) AS last_day
), ends AS (
  SELECT kind, step FROM (VALUES ('is', 1), ('is', -1), ('late', 1), ('late', -1)) AS names(kind, step)
), turns AS (
  SELECT c.status, c.created, c.completed, e.kind, e.step, a.first_day,
    CASE WHEN e.step = -1 THEN c.next_day
         WHEN e.kind = 'late' THEN greatest(c.day, date_add('day', 1, c.due_date)) ELSE c.day END AS day
  FROM change_facts c CROSS JOIN ends e CROSS JOIN asked a
  WHERE c.task_id IS NOT NULL AND c.status IS NOT NULL
    AND ? IN ('', c.category) AND ? IN ('', c.priority) AND ? IN ('', c.task_status) AND ? IN ('', c.user_id)
    AND (e.step = 1 OR c.next_day IS NOT NULL)
    AND (e.kind = 'is' OR (c.status IN ('pending', 'in_progress') AND c.due_date IS NOT NULL
      AND coalesce(greatest(c.day, date_add('day', 1, c.due_date)) < c.next_day, true)))
), daily AS (
  SELECT greatest(day, first_day) AS day,
    sum(CASE WHEN kind = 'is' THEN step ELSE 0 END) AS total_tasks,
    sum(CASE WHEN kind = 'is' AND status = 'completed' THEN step ELSE 0 END) AS completed_tasks,
    sum(CASE WHEN kind = 'is' AND status IN ('pending', 'in_progress') THEN step ELSE 0 END) AS open_tasks,
    sum(CASE WHEN kind = 'late' THEN step ELSE 0 END) AS overdue_tasks,
    sum(CASE WHEN kind = 'is' AND step = 1 AND day >= first_day THEN created ELSE 0 END) AS created,
    sum(CASE WHEN kind = 'is' AND step = 1 AND day >= first_day THEN completed ELSE 0 END) AS completed
  FROM turns
  GROUP BY greatest(day, first_day)
), active_days AS (
  SELECT DISTINCT user_id, day
  FROM change_facts
  WHERE ? IN ('', category) AND ? IN ('', priority) AND ? IN ('', task_status) AND ? IN ('', user_id)
), active AS (
  SELECT day, least(date_add('day', 30, day), coalesce(lead(day) OVER (PARTITION BY user_id ORDER BY day),
    date_add('day', 30, day))) AS last_day
  FROM active_days
), active_daily AS (
  SELECT greatest(CASE WHEN e.step = 1 THEN u.day ELSE u.last_day END, a.first_day) AS day, sum(e.step) AS active_users
  FROM active u CROSS JOIN ends e CROSS JOIN asked a
  WHERE e.kind = 'is'
  GROUP BY greatest(CASE WHEN e.step = 1 THEN u.day ELSE u.last_day END, a.first_day)
), finished AS (
  SELECT t.completed_day AS day, CAST(sum(t.lead_hours) AS double) AS lead_hours, CAST(count(*) AS double) AS finished
  FROM task_facts t CROSS JOIN asked a
  WHERE t.completed_day BETWEEN a.first_day AND a.last_day AND t.lead_hours IS NOT NULL
    AND ? IN ('', t.category) AND ? IN ('', t.priority) AND ? IN ('', t.status) AND ? IN ('', t.user_id)
  GROUP BY t.completed_day
), levels AS (
  SELECT calendar.day,
    sum(coalesce(d.total_tasks, 0)) OVER (ORDER BY calendar.day) AS total_tasks,
    sum(coalesce(d.completed_tasks, 0)) OVER (ORDER BY calendar.day) AS completed_tasks,
    sum(coalesce(d.open_tasks, 0)) OVER (ORDER BY calendar.day) AS open_tasks,
    sum(coalesce(d.overdue_tasks, 0)) OVER (ORDER BY calendar.day) AS overdue_tasks,
    sum(coalesce(u.active_users, 0)) OVER (ORDER BY calendar.day) AS active_users,
    coalesce(d.created, 0) AS created, coalesce(d.completed, 0) AS completed, f.lead_hours, f.finished
  FROM asked a
  CROSS JOIN UNNEST(sequence(a.first_day, a.last_day, INTERVAL '1' DAY)) AS calendar(day)
  LEFT JOIN daily d ON d.day = calendar.day
  LEFT JOIN active_daily u ON u.day = calendar.day
  LEFT JOIN finished f ON f.day = calendar.day
), metrics AS (
  SELECT metric
  FROM (
    VALUES ('total_tasks'), ('completed_tasks'), ('completion_rate'), ('open_tasks'), ('overdue_tasks'),
      ('active_users'), ('tasks_created'), ('tasks_completed'), ('lead_hours'), ('finished')
  ) AS names(metric)
)
SELECT l.day, m.metric,
  CASE m.metric
    WHEN 'total_tasks' THEN CAST(l.total_tasks AS double)
    WHEN 'completed_tasks' THEN CAST(l.completed_tasks AS double)
    WHEN 'completion_rate'
      THEN coalesce(CAST(l.completed_tasks AS double) / nullif(CAST(l.total_tasks AS double), 0e0), 0e0)
    WHEN 'open_tasks' THEN CAST(l.open_tasks AS double)
    WHEN 'overdue_tasks' THEN CAST(l.overdue_tasks AS double)
    WHEN 'active_users' THEN CAST(l.active_users AS double)
    WHEN 'tasks_created' THEN CAST(l.created AS double)
    WHEN 'tasks_completed' THEN CAST(l.completed AS double)
    WHEN 'lead_hours' THEN l.lead_hours
    WHEN 'finished' THEN l.finished
  END AS value
FROM levels l CROSS JOIN metrics m
WHERE m.metric NOT IN ('lead_hours', 'finished') OR l.finished IS NOT NULL
ORDER BY l.day, m.metric
""",
    parameters=("previous_start", "end", *CHOICE, *CHOICE, *CHOICE),
    columns=(
        Column("day", _("Day"), "date"),
        Column("metric", _("Metric"), "text"),
        Column("value", _("Value")),
    ),
    draw=kpis.draw,
    size="wide",
)
