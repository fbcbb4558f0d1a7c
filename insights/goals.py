"""Progress towards a person's weekly goal: the number of tasks that they want to complete in a week."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _

from identity import weekly_goal
from insights import formats
from insights.model import Question
from insights.pages import Dashboard
from insights.questions.own import WEEKS

MOST = 1000


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


def progress(request: HttpRequest, page: Dashboard, filtered: bool) -> Progress:
    """Compare the goal of the person who asks with what their page says of this week."""
    return Progress(weekly_goal.weekly_goal(request), None if filtered else _this_week(page, WEEKS))


def _this_week(page: Dashboard, question: Question) -> int | None:
    answers = (card.outcome.answer for card in page.cards if card.question is question)
    rows = next((answer.rows for answer in answers if answer), [])
    return rows[-1]["completed"] if rows else None


def save(request: HttpRequest, given: str) -> bool:
    """Keep the goal that a form gives; blank forgets it. Returns whether it was one."""
    text = given.strip()
    if text and not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
        return False
    weekly_goal.set_weekly_goal(request, int(text) if text else None)
    return True
