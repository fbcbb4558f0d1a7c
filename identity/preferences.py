"""What a person chose about the pages: language, theme, saved filters. One item, not in the lake.

The item is ``PK = PREFERENCES#{user_id}``, ``SK = METADATA``. Writes are conditional on the version that was read, so
two windows that save filters at once lose none.
"""

from collections.abc import Callable
from typing import Any, TypedDict

from store import calls
from store.context import RequestContext
from store.errors import WriteContention
from store.schema import METADATA

MAX_FILTERS, MAX_NAME = 30, 60
Values = dict[str, Any]


class SavedFilter(TypedDict):
    """A query with a name, and the page it is for (``list``, ``board``, ``calendar``)."""

    name: str
    query: str


def key(user_id: str) -> tuple[str, str]:
    """Return PK and SK of a person's preferences."""
    return f"PREFERENCES#{user_id}", METADATA


def get(user_id: str) -> Values:
    """Return the preferences of ``user_id``: ``language``, ``theme``, ``filters``, as far as chosen. One GetItem."""
    return calls.get(key(user_id)) or {}


def saved_filters(user_id: str) -> list[SavedFilter]:
    """Return the saved filters of ``user_id`` in the order they were saved. One GetItem."""
    return list(get(user_id).get("filters", []))


def save(ctx: RequestContext, **chosen: str) -> Values:
    """Keep what was chosen (``language``, ``theme``); blank forgets it. Two requests to DynamoDB."""
    return _change(ctx, lambda old: {**old, **chosen})


def save_filter(ctx: RequestContext, name: str, query: str) -> Values:
    """Keep ``query`` under ``name``, in place of one of that name; the oldest go when there are too many."""
    entry: SavedFilter = {"name": name.strip()[:MAX_NAME], "query": query}

    def add(old: Values) -> Values:
        rest = [kept for kept in old.get("filters", []) if kept["name"] != entry["name"]]
        return {**old, "filters": [*rest, entry][-MAX_FILTERS:]}

    return _change(ctx, add)


def remove_filter(ctx: RequestContext, name: str) -> Values:
    """Forget the filter called ``name``, if there is one."""
    return _change(
        ctx, lambda old: {**old, "filters": [kept for kept in old.get("filters", []) if kept["name"] != name]}
    )


def _change(ctx: RequestContext, change: Callable[[Values], Values]) -> Values:
    pk, sk = key(ctx.user_id)
    current = calls.get((pk, sk)) or {}
    for attempt in range(calls.MAX_ATTEMPTS):
        new = {name: value for name, value in change(current).items() if value not in ("", [], None)}
        new |= {
            "PK": pk,
            "SK": sk,
            "entity_type": "PREFERENCES",
            "user_id": ctx.user_id,
            **ctx.authorship(current.get("version", 0) + 1),
        }
        try:
            calls.write([calls.update(current, new) if current else calls.put_new(new)])
            return new
        except calls.ConditionFailed as failure:
            current = failure.blockers[0] or {}
        except calls.Contended:
            calls.pause(attempt)
            current = calls.get((pk, sk)) or {}
    raise WriteContention
