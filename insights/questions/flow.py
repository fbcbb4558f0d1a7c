"""Questions about the work itself: how much comes in and goes out, how long it takes, what lies around."""

from django.utils.translation import gettext_lazy as _

from insights import charts, histograms, rankings
from insights.model import Column, Question

CHOICE = ("category", "priority", "status", "user")

THROUGHPUT = Question(
    slug="throughput",
    title=_("Created and completed"),
    definition=_(
        "Tasks created, and completions, on each day; a task that is reopened and completed again counts twice."
    ),
    grain=_("one row a day"),
    span="period",
    sql="""
WITH counted AS (
  SELECT day, sum(created) AS created, sum(completed) AS completed, sum(reopened) AS reopened, sum(deleted) AS deleted
  FROM change_facts
  WHERE ? IN ('', category) AND ? IN ('', priority) AND ? IN ('', task_status) AND ? IN ('', user_id)
  GROUP BY day
)
SELECT calendar.day,
       coalesce(c.created, 0) AS created, coalesce(c.completed, 0) AS completed,
       coalesce(c.reopened, 0) AS reopened, coalesce(c.deleted, 0) AS deleted
FROM UNNEST(sequence(CAST(? AS date), CAST(? AS date), INTERVAL '1' DAY)) AS calendar(day)
LEFT JOIN counted c ON c.day = calendar.day
ORDER BY calendar.day
""",
    parameters=(*CHOICE, "previous_start", "end"),
    columns=(
        Column("day", _("Day"), "date"),
        Column("created", _("Created")),
        Column("completed", _("Completed")),
        Column("reopened", _("Reopened")),
        Column("deleted", _("Deleted")),
    ),
    draw=charts.throughput,
    size="wide",
)

# A task is in a status from the day of one change to the day before the next: +1 and -1 on a running sum. The day
# before the period is there to compare with.
CUMULATIVE_FLOW = Question(
    slug="cumulative-flow",
    title=_("Cumulative flow"),
    definition=_(
        "Tasks that existed at the end of each day, by their status then; a widening band is work piling up."
    ),
    grain=_("one row a day and status"),
    span="period",
    sql="""
WITH asked AS (
  SELECT CAST(? AS date) AS first_day, CAST(? AS date) AS last_day
), chosen AS (
  SELECT day, next_day, status
  FROM change_facts
  WHERE task_id IS NOT NULL AND status IS NOT NULL
    AND ? IN ('', category) AND ? IN ('', priority) AND ? IN ('', task_status) AND ? IN ('', user_id)
), steps AS (
  SELECT greatest(c.day, a.first_day) AS day, c.status, 1 AS step FROM chosen c CROSS JOIN asked a
  UNION ALL
  SELECT greatest(c.next_day, a.first_day), c.status, -1 FROM chosen c CROSS JOIN asked a WHERE c.next_day IS NOT NULL
), daily AS (
  SELECT day, status, sum(step) AS step FROM steps GROUP BY day, status
), statuses AS (
  SELECT status FROM (VALUES ('pending'), ('in_progress'), ('completed'), ('cancelled')) AS names(status)
), grid AS (
  SELECT calendar.day, s.status
  FROM asked a
  CROSS JOIN UNNEST(sequence(a.first_day, a.last_day, INTERVAL '1' DAY)) AS calendar(day)
  CROSS JOIN statuses s
)
SELECT g.day, g.status, sum(coalesce(d.step, 0)) OVER (PARTITION BY g.status ORDER BY g.day) AS tasks
FROM grid g
LEFT JOIN daily d ON d.day = g.day AND d.status = g.status
ORDER BY g.day, g.status
""",
    parameters=("previous_end", "end", *CHOICE),
    columns=(
        Column("day", _("Day"), "date"),
        Column("status", _("Status"), "text"),
        Column("tasks", _("Tasks")),
    ),
    draw=charts.cumulative_flow,
)

_DURATIONS = (
    Column("span", _("Span (period, or the one before)"), "text"),
    Column("whole_hours", _("Whole hours"), "count"),
    Column("tasks", _("Tasks")),
    Column("p50", _("p50 of all"), "hours"),
    Column("p85", _("p85 of all"), "hours"),
    Column("p95", _("p95 of all"), "hours"),
)

# Exact percentiles (the value at position ceil(p * n)): approx_percentile differs from engine to engine.
_DURATIONS_SQL = """
WITH asked AS (
  SELECT CAST(? AS date) AS previous_start, CAST(? AS date) AS start, CAST(? AS date) AS last_day, ? AS measure
), measured AS (
  SELECT CASE WHEN t.completed_day >= a.start THEN 'period' ELSE 'before' END AS span,
    CASE a.measure WHEN 'lead' THEN t.lead_hours ELSE t.cycle_hours END AS hours
  FROM task_facts t CROSS JOIN asked a
  WHERE t.completed_day BETWEEN a.previous_start AND a.last_day
    AND ? IN ('', t.category) AND ? IN ('', t.priority) AND ? IN ('', t.status) AND ? IN ('', t.user_id)
), finished AS (
  SELECT span, hours FROM measured WHERE hours IS NOT NULL
), placed AS (
  SELECT span, hours, row_number() OVER (PARTITION BY span ORDER BY hours) AS position,
    count(*) OVER (PARTITION BY span) AS total
  FROM finished
), percentiles AS (
  SELECT span,
    max(CASE WHEN position = CAST(ceil(total * 0.50) AS bigint) THEN hours END) AS p50,
    max(CASE WHEN position = CAST(ceil(total * 0.85) AS bigint) THEN hours END) AS p85,
    max(CASE WHEN position = CAST(ceil(total * 0.95) AS bigint) THEN hours END) AS p95
  FROM placed
  GROUP BY span
)
SELECT f.span, CAST(floor(f.hours) AS bigint) AS whole_hours, count(*) AS tasks, p.p50, p.p85, p.p95
FROM finished f JOIN percentiles p ON p.span = f.span
GROUP BY f.span, CAST(floor(f.hours) AS bigint), p.p50, p.p85, p.p95
ORDER BY f.span DESC, whole_hours
"""
_DURATIONS_OF = ("previous_start", "start", "end", "measure", *CHOICE)

LEAD_TIME = Question(
    slug="lead-time",
    title=_("Lead time"),
    definition=_(
        "Time from creation to completion of the tasks that were completed in the period and still are; "
        "half of them took at most p50."
    ),
    grain=_("one row a span and whole hour of lead time"),
    span="period",
    sql=_DURATIONS_SQL,
    parameters=_DURATIONS_OF,
    fixed=(("measure", "lead"),),
    columns=_DURATIONS,
    draw=histograms.lead_time,
)

CYCLE_TIME = Question(
    slug="cycle-time",
    title=_("Cycle time"),
    definition=_(
        "Time from first being put in progress to completion of the tasks that were completed in the period and still "
        "are; tasks that were never in progress before have none."
    ),
    grain=_("one row a span and whole hour of cycle time"),
    span="period",
    sql=_DURATIONS_SQL,
    parameters=_DURATIONS_OF,
    fixed=(("measure", "cycle"),),
    columns=_DURATIONS,
    draw=histograms.cycle_time,
)

AGEING = Question(
    slug="ageing",
    title=_("Age of open work"),
    definition=_(
        "Tasks pending or in progress at the end of the period, by the days since their creation; overdue: the due "
        "date has passed."
    ),
    grain=_("one row an age bracket"),
    span="end",
    sql="""
WITH brackets(bucket_order, age_bucket, youngest, oldest) AS (
  VALUES (1, 'today', 0, 0), (2, '1-6 days', 1, 6), (3, '1-2 weeks', 7, 13), (4, '2-4 weeks', 14, 27),
         (5, '1-3 months', 28, 89), (6, 'over 3 months', 90, 1000000)
), moments AS (
  SELECT 'period' AS span, CAST(? AS date) AS day
  UNION ALL
  SELECT 'before', CAST(? AS date)
), aged AS (
  SELECT m.span, greatest(date_diff('day', c.created_day, m.day), 0) AS days,
    CASE WHEN c.due_date < m.day THEN 1 ELSE 0 END AS overdue
  FROM change_facts c CROSS JOIN moments m
  WHERE c.day <= m.day AND coalesce(c.next_day > m.day, true) AND c.status IN ('pending', 'in_progress')
    AND ? IN ('', c.category) AND ? IN ('', c.priority) AND ? IN ('', c.task_status) AND ? IN ('', c.user_id)
)
SELECT b.age_bucket, b.bucket_order, b.youngest, b.oldest,
       coalesce(sum(CASE WHEN a.span = 'period' THEN 1 ELSE 0 END), 0) AS tasks,
       coalesce(sum(CASE WHEN a.span = 'period' THEN a.overdue ELSE 0 END), 0) AS overdue,
       coalesce(sum(CASE WHEN a.span = 'before' THEN 1 ELSE 0 END), 0) AS tasks_before,
       coalesce(sum(CASE WHEN a.span = 'before' THEN a.overdue ELSE 0 END), 0) AS overdue_before
FROM brackets b
LEFT JOIN aged a ON a.days BETWEEN b.youngest AND b.oldest
GROUP BY b.age_bucket, b.bucket_order, b.youngest, b.oldest
ORDER BY b.bucket_order
""",
    parameters=("end", "previous_end", *CHOICE),
    columns=(
        Column("age_bucket", _("Age"), "text"),
        Column("tasks", _("Open tasks")),
        Column("overdue", _("Of these overdue")),
        Column("tasks_before", _("Open at the end of the period before")),
        Column("overdue_before", _("Of these overdue")),
    ),
    draw=charts.ageing,
)

CATEGORIES = Question(
    slug="categories",
    title=_("Categories"),
    definition=_("Tasks created, and completions, in the period, by the category the task has now."),
    grain=_("one row a category"),
    span="period",
    sql="""
WITH asked AS (
  SELECT CAST(? AS date) AS previous_start, CAST(? AS date) AS start, CAST(? AS date) AS last_day
)
SELECT c.category,
       sum(CASE WHEN c.day >= a.start THEN c.created ELSE 0 END) AS created,
       sum(CASE WHEN c.day >= a.start THEN c.completed ELSE 0 END) AS completed,
       sum(CASE WHEN c.day < a.start THEN c.created ELSE 0 END) AS created_before,
       sum(CASE WHEN c.day < a.start THEN c.completed ELSE 0 END) AS completed_before
FROM change_facts c CROSS JOIN asked a
WHERE c.task_id IS NOT NULL AND c.day BETWEEN a.previous_start AND a.last_day
  AND ? IN ('', c.category) AND ? IN ('', c.priority) AND ? IN ('', c.task_status) AND ? IN ('', c.user_id)
GROUP BY c.category
HAVING sum(c.created) + sum(c.completed) > 0
ORDER BY created DESC, completed DESC, c.category
""",
    parameters=("previous_start", "start", "end", *CHOICE),
    columns=(
        Column("category", _("Category"), "text"),
        Column("created", _("Created")),
        Column("completed", _("Completed")),
        Column("created_before", _("Created in the period before")),
        Column("completed_before", _("Completed in the period before")),
    ),
    draw=rankings.categories,
)
