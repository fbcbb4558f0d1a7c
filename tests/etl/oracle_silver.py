"""Silver by brute force: every row of its tables from the stream records themselves, in plain Python."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from tests.etl.checks import TASK_TEXTS, USER_TEXTS, plain
from tests.etl.oracle import Row, due, is_change, moment, typed, usable, version
from tests.etl.world import Change

Image = dict[str, Any]
TIMES = ("created_at", "updated_at", "completed_at")


def bucket(user: str) -> str:
    return f"{int(hashlib.sha256(user.encode()).hexdigest()[:8], 16) % 16:02d}"


def same_image(text: str | None) -> str | None:
    """A JSON text in one spelling: keys in order, numbers by value."""
    if text is None:
        return None
    return json.dumps(_exact(json.loads(text, parse_float=Decimal)), sort_keys=True)


def image_text(image: Image) -> str:
    """An item as `same_image` spells it."""
    return json.dumps(_exact(plain(image)), sort_keys=True)


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _exact(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_exact(inner) for inner in value]
    return f"{value.normalize():E}" if isinstance(value, Decimal) else value


def text(value: Any) -> str | None:
    """What a column of text says of an attribute."""
    return (
        value if value is None or isinstance(value, str) else json.dumps(plain(value), separators=(",", ":"))
    )


def changed_at(change: Change) -> Any:
    raw, old = change.new or {}, change.old or {}
    image = typed(raw, change)
    told = moment(image.get("updated_at"))
    if change.name == "REMOVE":
        told = None
    elif change.pk.startswith("TRASH#"):
        told = moment(image.get("deleted_at")) or told
    elif change.name == "INSERT":
        told = told or moment(image.get("created_at"))
    elif raw.get("updated_at") == old.get("updated_at"):
        number, before = version(image), version(old)
        told = told if number is not None and (before is None or number > before) else None
    return told or change.at


def author(change: Change) -> tuple[str | None, str | None]:
    image = change.new or {}
    return image.get("request_id"), image.get("updated_by")


def types(change: Change) -> str | None:
    """Which attributes JSON alone could not give back: the sets."""
    images = {"new_image": change.new, "old_image": change.old}
    sets = {
        name: {f"/{key}": "SS" for key, value in (image or {}).items() if isinstance(value, set)}
        for name, image in images.items()
    }
    found = {name: held for name, held in sets.items() if held}
    return json.dumps(found, sort_keys=True) if found else None


def task_events(history: Iterable[Change]) -> Iterator[Row]:
    for change in usable(history):
        whole: Image = (change.old if change.new is None else change.new) or {}
        before: Image = {} if change.name == "INSERT" else change.old or {}
        image = typed(whole, change)
        kind, _, user = change.pk.partition("#")
        yield (
            *(
                change.event_id,
                change.name,
                change.at,
                str(change.sequence),
                kind,
                change.pk,
                change.sk,
                user,
            ),
            *(user if kind == "USER" else change.sk.partition("#")[2], *author(change)),
            *(changed_at(change), version(image), version(before)),
            *(text(image.get("status")), text(typed(before, change).get("status"))),
            *(text(image.get(name)) for name in ("title", "category", "priority")),
            due(image),
            *(moment(image.get(name)) for name in (*TIMES, "deleted_at")),
            *(image_text(whole), types(change), "todo-app-data", int(is_change(change)), None),
        )


def latest(history: Iterable[Change], kind: str) -> Iterator[tuple[str, str, Image, Change]]:
    """Items that exist at the end: user, id, item and the change that made it so."""
    last = {(change.pk, change.sk): change for change in usable(history) if change.pk.startswith(f"{kind}#")}
    for change in last.values():
        if change.new is not None:
            item = typed(change.new, change)
            yield change.pk.partition("#")[2], change.sk.partition("#")[2], item, change


def _made_by(item: Image, change: Change) -> Row:
    made = (version(item), item.get("updated_by"), item.get("request_id"))
    return (*made, change.event_id, str(change.sequence), change.at, image_text(change.new or {}), None)


def tasks(history: list[Change]) -> Iterator[Row]:
    before, after = TASK_TEXTS[:5], TASK_TEXTS[5:]
    assert before == ("title", "description", "status", "priority", "category")
    for user, task, item, change in latest(history, "TASK"):
        yield (
            *(task, user, *(text(item.get(name)) for name in before), text(item.get("tags")), due(item)),
            *(text(item.get(name)) for name in after),
            *(moment(item.get(name)) for name in TIMES),
            *_made_by(item, change),
        )


def users(history: list[Change]) -> Iterator[Row]:
    for user, _, item, change in latest(history, "USER"):
        texts = (text(item.get(name)) for name in USER_TEXTS)
        yield (user, *texts, *(moment(item.get(name)) for name in TIMES[:2]), *_made_by(item, change))
