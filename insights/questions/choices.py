"""What a page's filters offer, and since when there is anything to compare with."""

from django.utils.translation import gettext_lazy as _

from insights.model import Column, Drawing, Question, Row, Table
from insights.periods import Period

_COLUMNS = (
    Column("kind", _("Filter"), "text"),
    Column("value", _("Value"), "text"),
    Column("label", _("Label"), "text"),
    Column("tasks", _("Tasks")),
)


def _table(rows: list[Row], period: Period) -> Drawing:
    return Drawing(str(_("What the filters offer.")), Table(_COLUMNS, rows))


# The fifty of each that have the most tasks: more would be no list to choose from.
CHOICES = Question(
    slug="choices",
    title=_("Filters"),
    definition=_(
        "The fifty categories and people with the most tasks, deleted ones included, and the first day of the data."
    ),
    grain=_("one row a choice"),
    span="end",
    sql="""
WITH own AS (
  SELECT user_id, category FROM task_facts WHERE ? IN ('', user_id)
), categories AS (
  SELECT category, count(*) AS tasks, row_number() OVER (ORDER BY count(*) DESC, category) AS place
  FROM own
  GROUP BY category
), people AS (
  SELECT user_id, count(*) AS tasks, row_number() OVER (ORDER BY count(*) DESC, user_id) AS place
  FROM own
  GROUP BY user_id
)
SELECT 'category' AS kind, category AS value, category AS label, tasks FROM categories WHERE place <= 50
UNION ALL
SELECT 'user', p.user_id, coalesce(u.name, ''), p.tasks
FROM people p LEFT JOIN user_analytics u ON u.user_id = p.user_id
WHERE p.place <= 50
UNION ALL
SELECT 'since', CAST(min(day) AS varchar), '', 0 FROM change_facts
ORDER BY 1, 4 DESC, 2
""",
    parameters=("owner",),
    columns=_COLUMNS,
    draw=_table,
)
