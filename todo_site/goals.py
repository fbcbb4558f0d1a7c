"""The weekly goal, kept with the person's preferences; what the dashboard finds through ``INSIGHTS_GOALS``.

The session has a copy, so that a page that shows the goal reads nothing for it. A goal that was set in another browser
arrives after ``COPY_SECONDS``.
"""

import time

from django.http import HttpRequest

from tasks import preferences
from todo_site.identity.services import context, person

COPY = "weekly_goal"
COPY_SECONDS = 600


def weekly_goal(request: HttpRequest) -> int | None:
    """Return the goal of the person who asks, in tasks a week; None while they have none."""
    copy: dict[str, int | None] = request.session.get(COPY) or {}
    if (copy.get("at") or 0) > time.time() - COPY_SECONDS:
        return copy.get("goal")
    kept = preferences.get(person(request).id).get(COPY)
    return _copied(request, int(kept) if kept else None)


def set_weekly_goal(request: HttpRequest, goal: int | None) -> None:
    """Keep the goal of the person who asks; None forgets it."""
    preferences.save(context(request), **{COPY: str(goal or "")})
    _copied(request, goal)


def _copied(request: HttpRequest, goal: int | None) -> int | None:
    request.session[COPY] = {"goal": goal, "at": int(time.time())}
    return goal
