"""A person's weekly goal: how many tasks they want to complete in a week.

Where it is kept is the site's business: ``INSIGHTS_GOALS`` names a module with ``weekly_goal(request)`` and
``set_weekly_goal(request, goal)``.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from insights import formats
from insights.model import Question
from insights.pages import Dashboard
from insights.questions.own import WEEKS

MOST = 1000


class Goals(Protocol):
    """What the module that ``INSIGHTS_GOALS`` names has to offer."""

    def weekly_goal(self, request: HttpRequest) -> int | None:
        """The goal of the person who asks; None while they have none."""

    def set_weekly_goal(self, request: HttpRequest, goal: int | None) -> None:
        """Keep a goal; None forgets it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The goal and the completions of this week; ``done`` is None where the page shows only some of the tasks."""

    goal: int | None
    done: int | None

    @property
    def sentence(self) -> str:
        """How far along the week is."""
        if self.goal is None:
            return _("Set how many tasks you want to complete in a week.")
        if self.done is None:
            text = _("Your goal is %(goal)s a week; it counts all your tasks, not a choice.")
            return text % {"goal": formats.tasks(self.goal)}
        known = {
            "done": formats.count(self.done),
            "goal": formats.tasks(self.goal),
            "left": formats.count(self.goal - self.done),
        }
        if self.done >= self.goal:
            return _("Goal reached: %(done)s of %(goal)s this week.") % known
        return _("%(done)s of %(goal)s this week; %(left)s to go.") % known


def _goals() -> Goals:
    return cast("Goals", import_module(settings.INSIGHTS_GOALS))


def progress(request: HttpRequest, page: Dashboard, filtered: bool) -> Progress:
    """Compare the goal of the person who asks with what their page says of this week."""
    return Progress(_goals().weekly_goal(request), None if filtered else _this_week(page, WEEKS))


def _this_week(page: Dashboard, question: Question) -> int | None:
    answers = (card.outcome.answer for card in page.cards if card.question is question)
    rows = next((answer.rows for answer in answers if answer), [])
    return rows[-1]["completed"] if rows else None


def save(request: HttpRequest, given: str) -> bool:
    """Keep the goal that a form gives; blank forgets it. Returns whether it was one."""
    text = given.strip()
    if text and not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
        return False
    _goals().set_weekly_goal(request, int(text) if text else None)
    return True
