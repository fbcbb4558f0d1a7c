"""The same SQL files on real Spark and in DuckDB, over the same Bronze: the same tables, to the last row and type."""

import json
import os
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pyarrow.parquet as pq
import pytest

from etl import capture
from etl.tables import GOLD, SILVER, TASK_EVENTS, Table
from tests.etl.checks import same_rows
from tests.etl.harness import NOW, Harness
from tests.etl.memory import CONFIG, put_bronze
from tests.etl.schemas import arrow_schema
from tests.etl.world import World, play

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-spark" / "bin" / "python"
ZONE = "America/Los_Angeles"
CONFIG_HERE = replace(CONFIG, timezone=ZoneInfo(ZONE))
STEPS = int(os.environ.get("PARITY_STEPS", "120"))

pytestmark = pytest.mark.slow


def bad_rows(world: World) -> list[dict[str, str | None]]:
    """Rows that cannot be used, for every reason, copies included; and good ones written in unusual ways."""
    row = json.loads(capture._encode(capture.bronze_row(world.history[0].record())))
    changes = (
        {"event_id": None}, {"sequence_number": "12a"}, {"sequence_number": "9" * 41}, {"event_time": "soon"},
        {"event_name": "TRUNCATE"}, {"entity_type": "CAT"}, {"pk": "USER#somebody"}, {"entity_id": None},
        {"new_image": "{broken"}, {"new_image": "[1]"}, {"new_image": None}, {"user_id": ""},
    )  # fmt: skip
    return [row | {"event_id": f"bad-{number}"} | change for number, change in enumerate(changes)] + [
        row | {"event_id": "bad-0", "pk": ""}
    ] * 2


def odd_rows(world: World) -> list[dict[str, str | None]]:
    """Usable rows: offsets in timestamps, 40-digit sequence numbers, odd numbers, unknown and missing attributes."""
    row = json.loads(capture._encode(capture.bronze_row(world.history[0].record())))
    images = (
        {"updated_at": "2026-03-20T10:00:00+02:00", "version": 1.5},
        {"updated_at": "2026-03-20T10:00:00.123456789Z", "version": "7"},
        {"updated_at": "2026-03-20 10:00:00", "created_at": "2026-02-30T00:00:00Z", "version": 10**20},
        {"updated_at": 5, "due_date": "2026-02-29", "tags": [{"deep": [1, None, True]}], "status": None},
        {"title": 'Ünï "quoted" \u2028 \\ / \n', "category": "", "nested": {"a": {"b": 1e-7}}, "version": -3},
        {},
    )
    shared = {
        "entity_type": "TASK",
        "pk": "TASK#odd",
        "user_id": "odd",
        "event_name": "INSERT",
        "old_image": None,
    }
    return [
        row
        | shared
        | {
            "event_id": f"odd-{number}",
            "sk": f"TASK#odd-{number}",
            "entity_id": f"odd-{number}",
            "sequence_number": str(10**39 + number),
            "new_image": json.dumps(image, ensure_ascii=False),
        }
        for number, image in enumerate(images)
    ]


def deliveries(lake: Harness, world: World, random_: Random) -> list[dict[str, bytes]]:
    """Bronze in two parts with copies across them, out of order; DuckDB takes in each before the next is there."""
    cut = len(world.history) // 2
    late = random_.sample(range(cut), k=min(50, cut))
    first = [change for number, change in enumerate(world.history[:cut]) if number not in late]
    second = [*world.history[cut:], *(world.history[number] for number in late), *first[:20]]
    parts, held = [], set()
    for number, part in enumerate((first, second)):
        random_.shuffle(part)
        for start in range(0, len(part), 400):
            lake.deliver(part[start : start + 400])
        path = "year=2026/month=03/day=20/user_bucket=05"
        put_bronze(lake.s3, path, bad_rows(world) + odd_rows(world), 9000 + number)
        columns = [name for name in bad_rows(world)[0] if name not in {"attribute_types", "updated_by"}]
        older = [row | {"event_id": f"older-{index}"} for index, row in enumerate(odd_rows(world)[:2])]
        put_bronze(lake.s3, path, older, 9100 + number, [*columns, "new_column"])
        lake.s3.buckets["bronze"][f"cdc/{path}/broken-{number}.parquet"] = b"PAR1 and no more"
        fresh = {key: body for key, body in lake.s3.buckets["bronze"].items() if key not in held}
        held |= fresh.keys()
        parts.append(fresh)
        lake.lake.run(NOW)
    return parts


def lay_out(folder: Path, parts: list[dict[str, bytes]]) -> None:
    for number, part in enumerate(parts):
        for key, body in part.items():
            path = folder / "deliveries" / str(number) / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)


def run_spark(folder: Path) -> None:
    assert PYTHON.exists(), "there is no .venv-spark: localcloud/bootstrap.sh test makes it"
    command = [PYTHON, "-m", "tests.etl.spark_side", folder, ZONE, NOW.isoformat()]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "SPARK"))}
    done = subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stderr[-4000:]


def read(paths: list[Path], table: Table) -> list[tuple]:
    found = []
    for path in paths:
        data = pq.read_table(path, partitioning=None)
        assert data.schema.remove_metadata() == arrow_schema(table), path
        found += [tuple(row.values()) for row in data.to_pylist()]
    return found


@dataclass
class Made:
    """A history, the lake that DuckDB made of it, and the folder with Spark's."""

    world: World
    lake: Harness
    folder: Path

    def silver(self, table: Table) -> list[tuple]:
        files = json.loads((self.folder / "done.json").read_text())["silver"][table.name]
        return read([Path(name) for name in files], table)

    def gold(self, table: Table) -> list[tuple]:
        location = json.loads((self.folder / "done.json").read_text())["gold"]["tables"][table.name][
            "location"
        ]
        return read(sorted(Path(location).glob("*.parquet")), table)


def make(folder: Path, seed: int, steps: int) -> Made:
    world = World()
    play(world, Random(seed), steps)
    return Made(world, Harness(folder / "duckdb", CONFIG_HERE), folder)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A lake of all that can go wrong, made by DuckDB, and by Spark as the Glue job makes it."""
    made = make(tmp_path_factory.mktemp("wild"), 7, STEPS)
    lay_out(made.folder, deliveries(made.lake, made.world, Random(8)))
    run_spark(made.folder)
    return made


def test_it_works(made):
    found = [row[0] for row in made.silver(TASK_EVENTS)]
    assert len(found) == len(set(found)) == len(made.world.history) + 8


@pytest.mark.parametrize("table", SILVER, ids=lambda table: table.name)
def test_silver_is_the_same(made, table):
    same_rows(made.silver(table), [tuple(row.values()) for row in made.lake.silver(table.name)], table.name)


@pytest.mark.parametrize("table", GOLD, ids=lambda table: table.name)
def test_gold_is_the_same(made, table):
    duckdb = made.lake.gold(table.name)
    assert duckdb
    same_rows(made.gold(table), duckdb, table.name)


def test_the_same_checks_were_made(made):
    gold = json.loads((made.folder / "done.json").read_text())["gold"]
    assert gold["checks"] == made.lake.lake.gold.gold.get_json("gold/_current.json")[0]["checks"]
