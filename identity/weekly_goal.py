"""The weekly goal, stored with the person's preferences.

Every session of the person has a copy, made at sign-in and changed with the goal, so that a page that shows the goal
reads nothing for it.
"""

from typing import Any

from django.http import HttpRequest

from identity import preferences, sessions
from identity.items import PreferencesItem
from identity.sign_in import context, person

COPY = "weekly_goal"


def weekly_goal(request: HttpRequest) -> int | None:
    """Return the goal of the person who asks, in tasks a week; None while they have none."""
    if COPY not in request.session:
        copy(request, preferences.get(person(request).id))
    found: int | None = request.session[COPY]["goal"]
    return found


def set_weekly_goal(request: HttpRequest, goal: int | None) -> None:
    """Keep the goal of the person who asks; None forgets it."""
    copied = copy(request, preferences.save(context(request), **{COPY: str(goal or "")}))
    sessions.revise(person(request).id, lambda data: data | copied)


def copy(request: HttpRequest, chosen: PreferencesItem) -> dict[str, Any]:
    """Let the session know the goal among what was chosen; returns what it knows now."""
    request.session[COPY] = {"goal": int(chosen.weekly_goal) if chosen.weekly_goal else None}
    return {COPY: request.session[COPY]}
