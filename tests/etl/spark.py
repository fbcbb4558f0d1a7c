"""Starts the lake on real Spark, in the environment that has it, and compares what it wrote with DuckDB's."""

import json
import os
import subprocess
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from etl.tables import Table
from tests.etl.schemas import arrow_schema

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-spark" / "bin" / "python"
# Longer than any of these runs takes; a run that hangs ends.
PATIENCE = 3000


class SparkRun:
    """One run of `tests.etl.spark_side` in a process of its own.

    Parameters
    ----------
    deliveries
        Folder with a folder of Bronze files for each delivery.
    out
        Folder for the lake it makes.
    timezone, now
        Of the reporting day.
    python
        An interpreter with PySpark.
    """

    def __init__(
        self, deliveries: Path, out: Path, timezone: str, now: datetime, python: Path = PYTHON, *options: str
    ) -> None:
        assert python.exists(), f"there is no {python}: localcloud/bootstrap.sh test makes it"
        self.out = out
        out.mkdir(parents=True, exist_ok=True)
        command = [python, "-m", "tests.etl.spark_side", deliveries, out, timezone, now.isoformat(), *options]
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "SPARK"))
        }
        # Or its workers would be whatever `python3` is first on the path.
        clean["PYSPARK_PYTHON"] = str(python)
        self.log = out / "log"
        with self.log.open("w") as log:
            self.child = subprocess.Popen(command, cwd=ROOT, env=clean, stdout=log, stderr=subprocess.STDOUT)
        self._done: dict[str, Any] = {}

    @property
    def done(self) -> dict[str, Any]:
        """What it made, once it has ended: `silver` files by table, the `gold` pointer, the `spark` version."""
        if not self._done:
            assert self.child.wait(PATIENCE) == 0, self.log.read_text()[-4000:]
            self._done = json.loads((self.out / "done.json").read_text())
        return self._done

    def files(self, table: Table) -> list[Path]:
        """Parquet files of a table."""
        if table.layer == "silver":
            return [Path(name) for name in self.done["silver"][table.name]]
        return sorted(Path(self.done["gold"]["tables"][table.name]["location"]).glob("*.parquet"))


def same_files(table: Table, first: Iterable[Path], second: Iterable[Path], but: str = "") -> None:
    """Compare two copies of a table: the declared schema in every file, and the rows as multisets.

    ``but`` is a column whose values may differ.
    """
    paths = [list(map(str, first)), list(map(str, second))]
    assert all(paths)
    for path in (*paths[0], *paths[1]):
        assert pq.read_schema(path).remove_metadata() == arrow_schema(table), path
    wanted = ", ".join(name for name, _ in table.columns if name != but)
    queries = [f"SELECT {wanted} FROM read_parquet({files}, hive_partitioning=false)" for files in paths]
    for one, other in (queries, queries[::-1]):
        found = duckdb.sql(f"({one}) EXCEPT ALL ({other}) LIMIT 3").fetchall()
        assert not found, f"{table.name}: {found}"
