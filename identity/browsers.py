"""The browsers that a person is signed in with."""

import re
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from django.utils.translation import gettext as _

from identity import sessions
from identity.items import session_key
from store.writing import remove

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
            id=item.PK.partition("#")[2],
            browser=describe(sessions.data_of(item).get("browser", "")),
            since=datetime.fromisoformat(item.created_at),
            current=here == item.PK,
        )
        for item in islice(sessions.living(user_id), sessions.MOST)
    ]
    return sorted(found, key=lambda one: (one.current, one.since), reverse=True)


def end(user_id: str, session_id: str) -> bool:
    """End one session of a person; return False if they have no such session."""
    pk = f"SESSION#{session_id}"
    for item in sessions.of_person(user_id):
        if pk == item.PK:
            remove(item.key)
            return True
    return False


def describe(agent: str) -> str:
    """Return a browser's User-Agent as "Firefox, Linux"."""
    browser = next((name for mark, name in _BROWSERS if mark in agent), "")
    system = next((name for mark, name in _SYSTEMS if re.search(mark, agent)), "")
    return ", ".join(filter(None, (browser, system))) or _("Another program")
