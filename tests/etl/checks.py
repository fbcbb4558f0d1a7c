"""What must hold of a lake after any history, however it was delivered."""

import json
from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.etl.harness import Harness
from tests.etl.oracle import TABLES, Oracle, due, moment
from tests.etl.world import World

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
    tasks = {(f"TASK#{row['user_id']}", f"TASK#{row['task_id']}"): row for row in lake.silver("tasks")}
    users = {(f"USER#{row['user_id']}", "METADATA"): row for row in lake.silver("users")}
    assert len(tasks) == len(lake.silver("tasks"))
    for kind, rows, texts in (("TASK", tasks, TASK_TEXTS), ("USER", users, USER_TEXTS)):
        live = world.live(kind)
        assert rows.keys() == live.keys()
        for key, item in live.items():
            _same_item(rows[key], item, (*texts, *MADE_BY))


def _same_item(row: dict[str, Any], item: dict[str, Any], texts: tuple[str, ...]) -> None:
    assert json.loads(row["image"], parse_float=Decimal) == plain(item)
    assert {name: row[name] for name in texts} == {name: item.get(name) for name in texts}
    assert row["version"] == item.get("version")
    for name in ("created_at", "updated_at", "completed_at"):
        if name in row:
            assert row[name] == moment(item.get(name))
    if "due_date" in row:
        assert row["due_date"] == due(item)


def history_is_whole(lake: Harness, world: World) -> None:
    assert sorted(row["event_id"] for row in lake.silver("task_events")) == sorted(
        change.event_id for change in world.history
    )


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
