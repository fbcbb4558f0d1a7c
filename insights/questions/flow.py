"""Questions about the work itself: how much comes in and goes out, how long it takes, what lies around."""

from insights import charts, distributions
from insights.model import Column, Question

THROUGHPUT = Question(
    slug="throughput",
    title="Created and completed",
    definition="Tasks created, and completions, on each day; a task that is reopened and completed again counts twice.",
    grain="one row a day",
    span="period",
    sql="""
SELECT day, created, completed, reopened, deleted
FROM daily_throughput
WHERE day BETWEEN CAST(? AS date) AND CAST(? AS date)
ORDER BY day
""",
    parameters=("start", "end"),
    columns=(
        Column("day", "Day", "date"),
        Column("created", "Created"),
        Column("completed", "Completed"),
        Column("reopened", "Reopened"),
        Column("deleted", "Deleted"),
    ),
    draw=charts.throughput,
    size="wide",
)

# The last day known before the period starts is included: its levels hold until the next change.
CUMULATIVE_FLOW = Question(
    slug="cumulative-flow",
    title="Cumulative flow",
    definition="Tasks that existed at the end of each day, by their status then; a widening band is work piling up.",
    grain="one row a day and status",
    span="period",
    sql="""
SELECT day, status, tasks
FROM cumulative_flow
WHERE day BETWEEN (
    SELECT coalesce(max(day), CAST(? AS date)) FROM cumulative_flow WHERE day <= CAST(? AS date)
  ) AND CAST(? AS date)
ORDER BY day, status
""",
    parameters=("start", "start", "end"),
    columns=(Column("day", "Day", "date"), Column("status", "Status", "text"), Column("tasks", "Tasks")),
    draw=charts.cumulative_flow,
)

# Exact percentiles (the value at position ceil(p * n)): approx_percentile differs from engine to engine.
LEAD_TIME = Question(
    slug="lead-time",
    title="Lead time",
    definition=(
        "Time from creation to completion of the tasks that were completed in the period and still are; "
        "half of them took at most p50."
    ),
    grain="one row a whole hour of lead time",
    span="period",
    sql="""
WITH finished AS (
  SELECT lead_hours, row_number() OVER (ORDER BY lead_hours) AS position, count(*) OVER () AS total
  FROM completion_times
  WHERE completed_day BETWEEN CAST(? AS date) AND CAST(? AS date)
), percentiles AS (
  SELECT
    max(CASE WHEN position = CAST(ceil(total * 0.50) AS bigint) THEN lead_hours END) AS p50,
    max(CASE WHEN position = CAST(ceil(total * 0.85) AS bigint) THEN lead_hours END) AS p85,
    max(CASE WHEN position = CAST(ceil(total * 0.95) AS bigint) THEN lead_hours END) AS p95
  FROM finished
)
SELECT CAST(floor(f.lead_hours) AS bigint) AS lead_hour, count(*) AS tasks, p.p50, p.p85, p.p95
FROM finished f CROSS JOIN percentiles p
GROUP BY CAST(floor(f.lead_hours) AS bigint), p.p50, p.p85, p.p95
ORDER BY lead_hour
""",
    parameters=("start", "end"),
    columns=(
        Column("lead_hour", "Whole hours", "count"),
        Column("tasks", "Tasks"),
        Column("p50", "p50 of all", "hours"),
        Column("p85", "p85 of all", "hours"),
        Column("p95", "p95 of all", "hours"),
    ),
    draw=distributions.lead_time,
)

AGEING = Question(
    slug="ageing",
    title="Age of open work",
    definition="Tasks pending or in progress now, by the time since their creation; overdue: the due date has passed.",
    grain="one row an age bracket",
    span="now",
    sql="""
SELECT age_bucket, bucket_order, tasks, overdue
FROM open_task_age
ORDER BY bucket_order
""",
    columns=(
        Column("age_bucket", "Age", "text"),
        Column("tasks", "Open tasks"),
        Column("overdue", "Of these overdue"),
    ),
    draw=charts.ageing,
)

CATEGORIES = Question(
    slug="categories",
    title="Categories",
    definition="Tasks created, and completions, in the period, by the category of the task.",
    grain="one row a category",
    span="period",
    sql="""
SELECT coalesce(category, '') AS category,
       CAST(sum(created) AS bigint) AS created,
       CAST(sum(completed) AS bigint) AS completed
FROM category_daily
WHERE day BETWEEN CAST(? AS date) AND CAST(? AS date)
GROUP BY coalesce(category, '')
HAVING sum(created) + sum(completed) > 0
ORDER BY created DESC, completed DESC, category
""",
    parameters=("start", "end"),
    columns=(
        Column("category", "Category", "text"),
        Column("created", "Created"),
        Column("completed", "Completed"),
    ),
    draw=charts.categories,
)
