"""The two dashboards: everybody's, for managers; and a person's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from insights.model import Question
from insights.questions import CHARTS, EVERYBODYS, OWN, OWN_CHARTS


@dataclass(frozen=True, slots=True)
class Board:
    """Which questions a dashboard asks, and what its URLs are called (``insights``, ``insights-card`` …)."""

    name: str
    title: Promise
    charts: tuple[Question, ...]
    by_slug: Mapping[str, Question]
    own: bool


EVERYBODY = Board("insights", _("Insights"), CHARTS, EVERYBODYS, own=False)
ME = Board("insights-me", _("My insights"), OWN_CHARTS, OWN, own=True)
