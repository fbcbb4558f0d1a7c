"""What a person chose about the pages: language, theme, weekly goal, saved filters. One item, not in the lake."""

from collections.abc import Callable
from typing import Any, TypedDict

from identity.items import PreferencesItem, preferences_key
from store import reading
from store.commit import Plan, commit
from store.request_context import RequestContext
from store.text import same
from store.writing import put_new, update

MAX_FILTERS, MAX_NAME = 30, 60


class SavedFilter(TypedDict):
    """A query with a name, and the page it is for (``list``, ``board``, ``calendar``)."""

    name: str
    query: str


def get(user_id: str) -> PreferencesItem:
    """Return the preferences of ``user_id``; nothing is set in them if nothing was chosen. One GetItem."""
    return reading.get(PreferencesItem, preferences_key(user_id)) or PreferencesItem()


def saved_filters(user_id: str) -> list[SavedFilter]:
    """Return the saved filters of ``user_id`` in the order they were saved. One GetItem."""
    return _filters(get(user_id))


def _filters(item: PreferencesItem) -> list[Any]:
    return item.filters or []


def save(ctx: RequestContext, **chosen: str) -> PreferencesItem:
    """Keep what was chosen (``language``, ``theme``, ``weekly_goal``); blank forgets it. Two requests to DynamoDB."""
    return _change(ctx, lambda _: chosen)


def save_filter(ctx: RequestContext, name: str, query: str) -> PreferencesItem:
    """Keep ``query`` under ``name``, in place of one of that name; the oldest go when there are too many."""
    entry: SavedFilter = {"name": name, "query": query}
    return _change(ctx, lambda old: {"filters": [*_without(old, str(entry["name"])), entry][-MAX_FILTERS:]})


def remove_filter(ctx: RequestContext, name: str) -> PreferencesItem:
    """Forget the filter called ``name``, if there is one."""
    return _change(ctx, lambda old: {"filters": _without(old, name)})


def _without(old: PreferencesItem, name: str) -> list[Any]:
    return [kept for kept in _filters(old) if not same(kept["name"], name)]


def _change(ctx: RequestContext, change: Callable[[PreferencesItem], dict[str, Any]]) -> PreferencesItem:
    """Change the preferences, so that two windows that save filters at once lose none."""
    pk, sk = key = preferences_key(ctx.user_id)

    def plan(current: PreferencesItem | None) -> Plan[PreferencesItem]:
        old = current or PreferencesItem(PK=pk, SK=sk, user_id=ctx.user_id)
        chosen = {name: value or None for name, value in change(old).items()}
        new = old.changed(**chosen, **ctx.authorship((old.version or 0) + 1))
        return Plan(new, [update(old, new) if current else put_new(new)])

    return commit(None, plan, keys=[key]).result
