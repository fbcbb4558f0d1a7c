"""Progress towards a person's weekly goal: the number of tasks that they want to complete in a week."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.translation import gettext as _

from identity import weekly_goal
from insights import formats
from insights.pages import DashboardPage
from insights.questions.personal import WEEKS

MOST = 1000


@dataclass(frozen=True, slots=True)
class Progress:
    """The goal and the completions of this week; ``done`` is None if filters hide some of the tasks."""

    goal: int | None
    done: int | None

    @property
    def sentence(self) -> str:
        """The progress in words."""
        if self.goal is None:
            return _("Set how many tasks you want to complete in a week.")
        if self.done is None:
            text = _("Your goal is %(goal)s a week; it counts all your tasks, whatever the filters.")
            return text % {"goal": formats.tasks(self.goal)}
        values = {
            "done": formats.count(self.done),
            "goal": formats.tasks(self.goal),
            "left": formats.count(self.goal - self.done),
        }
        if self.done >= self.goal:
            return _("Goal reached: %(done)s of %(goal)s this week.") % values
        return _("%(done)s of %(goal)s this week; %(left)s to go.") % values


def progress(request: HttpRequest, page: DashboardPage, filtered: bool) -> Progress:
    """Return the goal of the signed-in person, and the completions of this week on their page."""
    return Progress(weekly_goal.weekly_goal(request), None if filtered else _this_week(page))


def _this_week(page: DashboardPage) -> int | None:
    answers = (card.outcome.answer for card in page.cards if card.question is WEEKS)
    rows = next((answer.rows for answer in answers if answer), [])
    return rows[-1]["completed"] if rows else None


def save(request: HttpRequest, text: str) -> None:
    """Store the goal from a form field: blank deletes it, an invalid value changes nothing."""
    text = text.strip()
    if not text or (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST):
        weekly_goal.set_weekly_goal(request, int(text) if text else None)
