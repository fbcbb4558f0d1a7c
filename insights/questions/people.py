"""Questions about the people who do the work, and the figures at the top of the page."""

from insights import charts, tiles
from insights.model import Column, Question

# One long list of (day, metric, value): each figure's value today, its past, and its sparkline.
KPIS = Question(
    slug="kpis",
    title="Key figures",
    definition="The figures at the top of the page, a value a day, for the period and the one before it.",
    grain="one row a day and metric",
    span="period",
    sql="""
WITH bounds AS (
  SELECT CAST(? AS date) AS first_day, CAST(? AS date) AS last_day
), finished AS (
  SELECT c.completed_day AS day, CAST(sum(c.lead_hours) AS double) AS lead_hours, CAST(count(*) AS double) AS finished
  FROM completion_times c CROSS JOIN bounds b
  WHERE c.completed_day BETWEEN b.first_day AND b.last_day
  GROUP BY c.completed_day
)
SELECT k.day, k.metric, k.value
FROM kpi_daily k CROSS JOIN bounds b
WHERE k.day BETWEEN b.first_day AND b.last_day
  AND k.metric IN (
    'total_tasks', 'tasks_created', 'tasks_completed', 'completion_rate', 'open_tasks', 'overdue_tasks', 'active_users'
  )
UNION ALL
SELECT day, 'lead_hours' AS metric, lead_hours AS value FROM finished
UNION ALL
SELECT day, 'finished' AS metric, finished AS value FROM finished
ORDER BY day, metric
""",
    parameters=("previous_start", "end"),
    columns=(Column("day", "Day", "date"), Column("metric", "Metric", "text"), Column("value", "Value")),
    draw=tiles.draw,
    size="wide",
)

HEATMAP = Question(
    slug="activity",
    title="When work happens",
    definition="Changes to tasks and profiles by weekday and hour of the reporting timezone, over all time.",
    grain="one row a weekday and hour",
    span="all time",
    sql="""
SELECT weekday, hour, events
FROM activity_heatmap
ORDER BY weekday, hour
""",
    columns=(Column("weekday", "Weekday (1 = Monday)"), Column("hour", "Hour"), Column("events", "Changes")),
    draw=charts.activity,
)

TOP_USERS = Question(
    slug="top-users",
    title="Top people",
    definition=(
        "The ten people with the most completed tasks, over all time; half of a person's completed tasks took at most "
        "the median."
    ),
    grain="one row a person",
    span="all time",
    sql="""
SELECT m.user_id, coalesce(u.name, '') AS person, m.total_tasks, m.completed_tasks,
       m.pending_tasks + m.in_progress_tasks AS open_tasks, m.overdue_tasks, m.completion_rate,
       m.p50_hours_to_complete AS p50_hours
FROM task_analytics_user_metrics m
LEFT JOIN user_analytics u ON u.user_id = m.user_id
ORDER BY m.completed_tasks DESC, m.total_tasks DESC, m.user_id
LIMIT 10
""",
    columns=(
        Column("person", "Person", "text"),
        Column("completed_tasks", "Completed"),
        Column("open_tasks", "Open"),
        Column("overdue_tasks", "Overdue"),
        Column("completion_rate", "Completion rate", "percent"),
        Column("p50_hours", "Median time", "hours"),
    ),
    draw=charts.top_users,
)
