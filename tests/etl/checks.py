"""What must hold of a lake after any history, however it was delivered."""

import json
from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.etl.harness import Harness
from tests.etl.oracle import TABLES, Oracle, due, flaw, kind_of, moment, typed, usable
from tests.etl.world import Change, World

TASK_TEXTS = ("title", "description", "status", "priority", "category", "due_time", "timezone", "recurrence")
USER_TEXTS = ("email", "username", "name", "given_name", "family_name", "timezone")
MADE_BY = ("updated_by", "request_id")


def plain(value: Any) -> Any:
    """An attribute's value as an image's JSON says it."""
    if isinstance(value, set):
        return sorted(value)
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def same_rows(found: list[tuple[Any, ...]], wanted: list[tuple[Any, ...]], what: str) -> None:
    """Compare tables as multisets, down to the last row."""
    missing, extra = Counter(wanted), Counter(found)
    assert missing == extra, (
        f"{what}: missing {list(missing - extra)[:5]}, not expected {list(extra - missing)[:5]}"
    )


def silver_equals_table(lake: Harness, world: World) -> None:
    """Silver's items are the table's, each as its last change that could be used left it."""
    tasks = {(f"TASK#{row['user_id']}", f"TASK#{row['task_id']}"): row for row in lake.silver("tasks")}
    users = {(f"USER#{row['user_id']}", "METADATA"): row for row in lake.silver("users")}
    assert len(tasks) == len(lake.silver("tasks"))
    for kind, rows, texts in (("TASK", tasks, TASK_TEXTS), ("USER", users, USER_TEXTS)):
        live = {(change.pk, change.sk): change for change in usable(world.history) if kind_of(change) == kind}
        live = {key: change for key, change in live.items() if change.new is not None}
        assert rows.keys() == live.keys()
        for key, change in live.items():
            _same_item(rows[key], change, (*texts, *MADE_BY))


def _same_item(row: dict[str, Any], change: Change, texts: tuple[str, ...]) -> None:
    whole = change.new or {}
    item = typed(whole, change)
    assert json.loads(row["image"], parse_float=Decimal) == plain(whole)
    assert {name: row[name] for name in texts} == {name: item.get(name) for name in texts}
    assert row["version"] == item.get("version")
    for name in ("created_at", "updated_at", "completed_at"):
        if name in row:
            assert row[name] == moment(item.get(name))
    if "due_date" in row:
        assert row["due_date"] == due(item)


def history_is_whole(lake: Harness, world: World) -> None:
    """Every change is in the history, or in the quarantine with its reason."""
    assert sorted(row["event_id"] for row in lake.silver("task_events")) == sorted(
        change.event_id for change in usable(world.history)
    )
    refused = sorted((change.event_id, why) for change in world.history if (why := flaw(change)))
    held = {change.event_id for change in world.history}
    found = [row for row in lake.silver("quarantine") if row["event_id"] in held]
    assert sorted((row["event_id"], row["reason"]) for row in found) == refused


def gold_equals_oracle(lake: Harness, world: World, now: datetime) -> None:
    oracle = Oracle(world.history, lake.config.today(now), str(lake.config.timezone))
    tables = oracle.tables()
    assert tables.keys() == TABLES.keys()
    for name, rows in tables.items():
        same_rows(lake.gold(name), rows, name)


def all_equal(lake: Harness, world: World, now: datetime) -> None:
    silver_equals_table(lake, world)
    history_is_whole(lake, world)
    gold_equals_oracle(lake, world, now)
