"""The tasks of a drill-down by brute force, from the query string of its link."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta

from insights.predicates import category_digests
from tests.etl.oracle import due
from tests.insights.truth import Key, Truth, monday

SEPARATOR = "\x1f"


def expected_tasks(truth: Truth, link: Mapping[str, str]) -> Counter[Key]:
    """How often the drill-down of ``link`` (a query string's pairs) counts each task."""
    family = next(name for name in ("event", "standing", "time", "cohort") if name in link)
    found = {"event": _events, "standing": _status_as_of, "time": _times, "cohort": _cohort}[family](
        truth, link
    )
    return Counter({key: times for key, times in found.items() if _among(truth, link, key)})


def _among(truth: Truth, link: Mapping[str, str], key: Key) -> bool:
    user, category = key[0].partition("#")[2], truth.category_of(key)
    return (
        link.get("in", category) == category
        and link.get("by", user) == user
        and category_digests([category]).strip(",") not in link.get("beyond", "").split(",")
        and user not in link.get("besides", "").split(SEPARATOR)
    )


def _days(link: Mapping[str, str]) -> list[date]:
    first, last = (date.fromisoformat(link[name]) for name in ("from", "to"))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _events(truth: Truth, link: Mapping[str, str]) -> Counter[Key]:
    return Counter(
        (deed.change.pk, deed.change.sk)
        for deed in truth.events(link["event"], _days(link))
        if link.get("weekday", str(deed.day.isoweekday())) == str(deed.day.isoweekday())
        and link.get("hour", str(deed.hour)) == str(deed.hour)
    )


def _status_as_of(truth: Truth, link: Mapping[str, str]) -> Counter[Key]:
    day, kind = date.fromisoformat(link["on"]), link["standing"]
    low, high = int(link.get("youngest", 0)), int(link.get("oldest", 10**9))
    items = truth.standing(day)
    wanted = {
        "any": items,
        "open": truth.open(day),
        "overdue": truth.overdue(day),
        "in_time": {k: i for k, i in truth.open(day).items() if (limit := due(i)) is None or limit >= day},
    }.get(kind, {key: item for key, item in items.items() if truth.status(item) == kind})
    return Counter(key for key in wanted if low <= max((day - truth.created_day(key)).days, 0) <= high)


def _times(truth: Truth, link: Mapping[str, str]) -> Counter[Key]:
    low, high = int(link.get("low", 0)), int(link.get("high", 10**9))
    hours = truth.finished(_days(link), link["time"])
    return Counter(key for key, value in hours.items() if low <= value < high)


def _cohort(truth: Truth, link: Mapping[str, str]) -> Counter[Key]:
    begun: dict[str, date] = {}
    for deed in truth.deeds_of_people():
        begun[deed.user] = min(begun.get(deed.user, deed.day), deed.day)
    week = date.fromisoformat(link["cohort"]) + timedelta(weeks=int(link.get("week", 0)))
    return Counter(
        (deed.change.pk, deed.change.sk)
        for own in truth.deeds.values()
        for deed in own
        if monday(deed.day) == week and monday(begun[deed.user]).isoformat() == link["cohort"]
    )
