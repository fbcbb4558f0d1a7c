"""Every question the dashboard asks, in the order of the page. A new chart is one entry here."""

from insights.model import Question
from insights.questions import flow, people

KPIS = people.KPIS
CHARTS: tuple[Question, ...] = (
    flow.THROUGHPUT,
    flow.CUMULATIVE_FLOW,
    flow.LEAD_TIME,
    flow.CATEGORIES,
    flow.AGEING,
    people.HEATMAP,
    people.TOP_USERS,
)
BY_SLUG: dict[str, Question] = {question.slug: question for question in (KPIS, *CHARTS)}
