"""The browsers that a person is signed in with."""

import re
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from identity import sessions
from identity.items import session_key
from store import calls

_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone|iPad", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser that is signed in; ``id`` is the hash of its session key, which cannot be used as the key."""

    id: str
    browser: str
    since: datetime
    current: bool


def signed_in(user_id: str, current_key: str | None) -> list[SignedIn]:
    """Return the browsers of a person, the current one first, then the newest."""
    here = session_key(current_key or "")[0]
    found = [
        SignedIn(
            id=item["PK"].partition("#")[2],
            browser=describe(_data(item).get("browser", "")),
            since=datetime.fromisoformat(item["created_at"]),
            current=item["PK"] == here,
        )
        for item in sessions.of_person(user_id)
        if item["expires_at"] > time.time()
    ]
    return sorted(found, key=lambda one: (one.current, one.since), reverse=True)


def end(user_id: str, session_id: str) -> bool:
    """End one session of a person; return False if they have no such session."""
    pk = f"SESSION#{session_id}"
    if pk not in {item["PK"] for item in sessions.of_person(user_id)}:
        return False
    calls.remove((pk, session_key("")[1]))
    return True


def _data(item: dict[str, Any]) -> dict[str, Any]:
    return dict(sessions.SessionStore().decode(item["data"]))


def describe(agent: str) -> str:
    """Return a browser's User-Agent as "Firefox, Linux"."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if re.search(mark, agent)), "")
    return ", ".join(filter(None, (browser, system))) or _("Another program")
