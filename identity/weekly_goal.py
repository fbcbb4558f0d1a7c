"""The weekly goal, stored with the person's preferences.

Every session of the person has a copy, made at sign-in and changed with the goal, so that showing the goal needs no
read.
"""

from typing import Any

from django.http import HttpRequest

from identity import preferences, sessions
from identity.items import PreferencesItem
from identity.sign_in import context, person

SESSION_KEY = "weekly_goal"


def weekly_goal(request: HttpRequest) -> int | None:
    """Return the signed-in person's goal in tasks a week, or None if they have none."""
    if SESSION_KEY not in request.session:
        copy_to_session(request, preferences.get(person(request).id))
    goal: int | None = request.session[SESSION_KEY]["goal"]
    return goal


def set_weekly_goal(request: HttpRequest, goal: int | None) -> None:
    """Store the signed-in person's goal; None removes it."""
    copied = copy_to_session(request, preferences.save(context(request), **{SESSION_KEY: str(goal or "")}))
    sessions.revise(person(request).id, lambda data: data | copied)


def copy_to_session(request: HttpRequest, preferred: PreferencesItem) -> dict[str, Any]:
    """Copy the goal from the preferences to the session; return the part of the session that has it."""
    goal = preferred.weekly_goal
    request.session[SESSION_KEY] = {"goal": int(goal) if goal else None}
    return {SESSION_KEY: request.session[SESSION_KEY]}
