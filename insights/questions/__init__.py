"""Every question the dashboard asks, in the order of the page. A new chart is one entry here."""

from insights.model import Question
from insights.questions import choices, flow, kpis, people, personal

KPIS = kpis.KPIS
CHOICES = choices.CHOICES
CHARTS: tuple[Question, ...] = (
    flow.THROUGHPUT,
    flow.CUMULATIVE_FLOW,
    flow.LEAD_TIME,
    flow.CATEGORIES,
    flow.CYCLE_TIME,
    flow.AGEING,
    people.HEATMAP,
    people.TOP_USERS,
    people.RETENTION,
)
OWN_CHARTS: tuple[Question, ...] = (
    personal.WEEKS,
    personal.STREAKS,
    flow.THROUGHPUT,
    flow.CUMULATIVE_FLOW,
    flow.LEAD_TIME,
    flow.CATEGORIES,
    flow.CYCLE_TIME,
    flow.AGEING,
    people.HEATMAP,
)
EVERYBODYS: dict[str, Question] = {question.slug: question for question in (KPIS, *CHARTS)}
OWN: dict[str, Question] = {question.slug: question for question in (KPIS, *OWN_CHARTS)}
BY_SLUG: dict[str, Question] = {**EVERYBODYS, **OWN, CHOICES.slug: CHOICES}
