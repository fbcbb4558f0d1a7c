"""The lake compared with hand-written DuckDB SQL and PySpark, and the cost of small deliveries: `make bench-lake`.

    python -m bench.lake [--events 200000 2000000 10000000] [--folder FOLDER] [--gigabytes 8] [--patience 3600]

Each measurement runs in a new process; the operating system counts its wall and processor seconds and its peak memory.
A history of less than a million events is measured `ROUNDS` times, by hand and by the lake in turns, because such short
runs vary by more than the two differ: the table has medians, and the range of the ratios.
The tables of all three are compared row by row before any figure is printed. `--gigabytes` limits the memory of all,
`--patience` the time of Spark.
"""

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from bench.lake_history import TODAY, generate
from etl.lake.latest import current_sql
from etl.lake.tables import GOLD, QUARANTINE, TASK_EVENTS, VIEWS, Table

ROOT = Path(__file__).resolve().parents[1]
SPARK = ROOT / ".venv-spark" / "bin" / "python"
# Columns with several right values: any copy of a bad row may name its file.
ANY_WILL_DO = {"source_file"}
ROUNDS = 7
SHORT = 1_000_000


@dataclass(frozen=True)
class Measured:
    """A process: wall and processor seconds, peak resident memory in MiB, and its own measurements."""

    wall: float
    cpu: float
    memory: float
    inside: dict[str, float] = field(default_factory=dict)


def measure(*command: str | Path, patience: float = threading.TIMEOUT_MAX) -> Measured:
    """Run a command of this project to its end.

    Raises
    ------
    RuntimeError
        If it fails; with its output.
    TimeoutError
        If it takes longer than `patience` seconds.
    """
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    begun = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        child = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
        )
        # With its children: Spark is one.
        alarm = threading.Timer(patience, os.killpg, (child.pid, signal.SIGKILL))
        alarm.daemon = True
        alarm.start()
        _, status, usage = os.wait4(child.pid, 0)
        alarm.cancel()
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = time.perf_counter() - begun
        said.seek(0)
        lines = said.read().splitlines()
    if wall >= patience:
        raise TimeoutError(f"{command} was not done after {patience} s")
    if child.returncode:
        raise RuntimeError("\n".join([f"{command} ended with {child.returncode}", *lines[-30:]]))
    found = Measured(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, json.loads(lines[-1]))
    print(command[2:], found, file=sys.stderr, flush=True)
    return found


def job(name: str, folder: Path, gigabytes: int) -> Measured:
    """Run a job of `bench.lake_jobs`."""
    return measure(sys.executable, "-m", "bench.lake_jobs", name, folder, str(gigabytes))


def run_step(step: str, *arguments: str | Path) -> Measured:
    """Run one of `STEPS` in its own process.

    A new process inherits the peak memory of its parent, so this one has to stay small.
    """
    return measure(sys.executable, "-m", "bench.lake", "--step", step, *arguments)


@dataclass(frozen=True)
class Bounds:
    """GB of memory for each process, and seconds for Spark; 0 to leave Spark out."""

    gigabytes: int
    patience: float


@dataclass
class Size:
    """The results for one length of history; `unfinished`: seconds after which Spark was stopped."""

    events: int
    turns: list[tuple[Measured, Measured]]
    spark: Measured | None
    increments: Measured
    unfinished: float = 0

    @property
    def hand(self) -> Measured:
        """The median of the runs by hand."""
        return _median([hand for hand, _ in self.turns])

    @property
    def ours(self) -> Measured:
        """The median of the lake's runs."""
        return _median([ours for _, ours in self.turns])

    def ratios(self, what: str) -> list[float]:
        """Return the sorted ratios of the lake to by hand in each round; `what` is `cpu` or `wall`."""
        return sorted(getattr(ours, what) / getattr(hand, what) for hand, ours in self.turns)


def _median(runs: Sequence[Measured]) -> Measured:
    return Measured(
        *(statistics.median(getattr(run, what) for run in runs) for what in ("wall", "cpu", "memory"))
    )


def one_size(folder: Path, events: int, bounds: Bounds) -> Size:
    """Measure a history of `events` events, compare the tables, then measure small deliveries."""
    rows = int(run_step("history", folder, str(events), str(bounds.gigabytes)).inside["events"])
    turns = [_turn(folder, bounds.gigabytes) for _ in range(ROUNDS if events < SHORT else 1)]
    spark, unfinished = _spark(folder, bounds)
    for name in ("1-everybody", "2-everybody", "3-bucket"):
        run_step("deliver", folder / f"more-{name}", name)
    return Size(rows, turns, spark, job("increments", folder, bounds.gigabytes), unfinished)


def _turn(folder: Path, gigabytes: int) -> tuple[Measured, Measured]:
    """Measure by hand and the lake, both from scratch; keep the lake's output."""
    for made in ("silver", "gold", "work"):
        shutil.rmtree(folder / made, ignore_errors=True)
    hand = job("by_hand", folder, gigabytes)
    ours = job("embedded", folder, gigabytes)
    run_step("same", folder, folder / "by_hand")
    shutil.rmtree(folder / "by_hand")
    return hand, ours


def _spark(folder: Path, bounds: Bounds) -> tuple[Measured | None, float]:
    if not bounds.patience:
        return None, 0
    command = (SPARK, "-m", "bench.lake_spark", folder, str(bounds.gigabytes))
    try:
        spark = measure(*command, patience=bounds.patience)
        run_step("same", folder, folder / "spark")
    except TimeoutError:
        return None, bounds.patience
    finally:
        shutil.rmtree(folder / "spark", ignore_errors=True)
    return spark, 0


def history(folder: Path, events: int, gigabytes: int) -> dict[str, int]:
    """Write Bronze of about `events` events to `folder/bronze`; return their exact number."""
    generate(folder / "bronze", events, gigabytes=gigabytes)
    rows = duckdb.sql(f"SELECT count(*) FROM read_parquet('{folder}/bronze/cdc/**/*.parquet')")
    return {"events": int(rows.fetchall()[0][0])}


def deliver(target: Path, name: str) -> None:
    """Write about 1,000 new events; for `*-bucket`, all in one user bucket."""
    if not name.endswith("bucket"):
        generate(target, 1000, salt=name, start=TODAY, days=1)
        return
    generate(target / "all", 16_000, salt=name, start=TODAY, days=1)
    for path in (target / "all").rglob("user_bucket=07/*.parquet"):
        kept = target / path.relative_to(target / "all")
        kept.parent.mkdir(parents=True, exist_ok=True)
        path.rename(kept)
    shutil.rmtree(target / "all")


def same(ours: Path, theirs: Path) -> None:
    """Compare all tables as multisets; raise RuntimeError for the first that differs."""
    published = json.loads((ours / "gold" / "gold" / "_current.json").read_text())
    manifest = json.loads((ours / "silver" / "silver" / "_current.json").read_text())
    for table in (TASK_EVENTS, QUARANTINE, *VIEWS):
        parts = manifest["tables"].get(VIEWS.get(table, table).name, {}).values()
        source = _rows(str(ours / "silver" / key) for part in parts for key, *_ in part["files"])
        _compare(table, f"({current_sql(table, source)})" if table in VIEWS else source, theirs)
    for table in GOLD:
        location = published["tables"][table.name]["location"].removeprefix("s3://gold/")
        _compare(table, _rows(str(path) for path in (ours / "gold" / location).glob("*.parquet")), theirs)


def _rows(files: Iterable[str]) -> str:
    return f"read_parquet({list(files)}, hive_partitioning=true, hive_types_autocast=false)"


def _compare(table: Table, source: str, theirs: Path) -> None:
    columns = ", ".join(name for name in table.names if name not in ANY_WILL_DO)
    mine = f"SELECT {columns} FROM {source}"
    other = f"'{theirs}/{table.layer}/{table.name}/**/*.parquet', hive_partitioning=false"
    other = f"SELECT {columns} FROM read_parquet({other})"
    # Sums of hashes depend on the number of each row, but not on the order.
    digests = [
        duckdb.sql(f"SELECT count(*), sum(CAST(hash(t) AS HUGEINT)) FROM ({query}) t").fetchall()
        for query in (mine, other)
    ]
    if digests[0] != digests[1]:
        raise RuntimeError(f"{table.name} differs: {digests}")


STEPS: dict[str, Callable[..., object]] = {
    "history": lambda folder, events, gigabytes: history(Path(folder), int(events), int(gigabytes)),
    "deliver": lambda target, name: deliver(Path(target), name),
    "same": lambda ours, theirs: same(Path(ours), Path(theirs)),
}


def report(sizes: Sequence[Size], capture: Measured) -> str:
    """Return the tables in Markdown."""
    lines = [
        "| events | | processor s | over by hand | wall s | over by hand | peak MiB |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    for size in sizes:
        runs = {"DuckDB by hand": size.hand, "this lake, embedded": size.ours, "PySpark": size.spark}
        for name, run in runs.items():
            if run:
                lines.append(
                    f"| {size.events:,} | {name} | {run.cpu:.1f} | {run.cpu / size.hand.cpu:.2f} "
                    f"| {run.wall:.1f} | {run.wall / size.hand.wall:.2f} | {run.memory:,.0f} |"
                )
        if len(size.turns) > 1:
            ranges = [f"{found[0]:.2f} to {found[-1]:.2f}" for found in map(size.ratios, ("cpu", "wall"))]
            lines.append(
                f"| | {len(size.turns)} rounds, medians above; their ratios | | {ranges[0]} | | {ranges[1]} | |"
            )
        if size.unfinished:
            lines.append(f"| {size.events:,} | PySpark | | | not done after {size.unfinished:,.0f} | | |")
    lines += [
        "",
        "| history | 1,000 more events | Silver, processor s | Gold, processor s | Silver, wall s | Gold, wall s |",
    ]
    lines += ["|---:|---|---:|---:|---:|---:|"]
    names = {
        "1-everybody": "of 20 people, in a fresh process",
        "2-everybody": "of 20 people, once more",
        "3-bucket": "all in one bucket",
    }
    for size in sizes:
        for key, name in names.items():
            cells = [
                size.increments.inside[f"{key}_{what}"]
                for what in ("silver_cpu", "gold_cpu", "silver", "gold")
            ]
            lines.append(
                f"| {size.events:,} | {name} | " + " | ".join(f"{cell:.2f}" for cell in cells) + " |"
            )
    found = capture.inside
    rate, least = (found["events"] / found[name] for name in ("handler_cpu", "least_cpu"))
    said = (
        f"Change capture: {rate:,.0f} events a processor second, {least / rate:.2f} times the time of decoding both "
        f"images and writing them as JSON ({least:,.0f}); {capture.memory:,.0f} MiB."
    )
    return "\n".join([*lines, "", said])


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=[200_000, 2_000_000, 10_000_000])
    parser.add_argument("--folder", type=Path, help="folder for the histories; default: a temporary one")
    parser.add_argument("--gigabytes", type=int, default=8, help="memory of each process")
    parser.add_argument("--patience", type=float, default=3600, help="seconds until Spark is stopped")
    parser.add_argument("--no-spark", action="store_true")
    parser.add_argument("--step", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        name, *arguments = options.step
        print(json.dumps(STEPS[name](*arguments) or {}))
        return
    bounds = Bounds(options.gigabytes, 0 if options.no_spark else options.patience)
    with tempfile.TemporaryDirectory(prefix="bench-lake-", dir=options.folder) as folder:
        capture = job("capture", Path(folder), bounds.gigabytes)
        sizes: list[Size] = []
        for events in options.events:
            sizes.append(one_size(Path(folder) / str(events), events, bounds))
            shutil.rmtree(Path(folder) / str(events))
            print(report(sizes, capture), flush=True)


if __name__ == "__main__":
    main()
