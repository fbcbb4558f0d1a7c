"""The two dashboards: one about everybody, for managers, and one about the signed-in person."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from insights.model import Question
from insights.questions import CHARTS, EVERYBODYS, OWN, OWN_CHARTS


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A dashboard: its questions, and the prefix of its URL names (``insights``, ``insights-card`` …)."""

    name: str
    title: Promise
    charts: tuple[Question, ...]
    by_slug: Mapping[str, Question]
    personal: bool


EVERYBODY = Dashboard("insights", _("Insights"), CHARTS, EVERYBODYS, personal=False)
ME = Dashboard("insights-me", _("My insights"), OWN_CHARTS, OWN, personal=True)
