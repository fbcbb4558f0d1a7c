"""Starts the lake on real Spark, in the environments that have it, and compares what it wrote with DuckDB's."""

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq

from etl.lake import catalog, manifest
from etl.lake.layout import GOLD_CURRENT
from etl.lake.storage import Bucket
from etl.lake.tables import Table
from tests.etl.folder import FolderS3
from tests.etl.s3_server import serve
from tests.etl.schemas import arrow_schema
from tests.etl.spark_session import submit_arguments
from tests.roles import OWNER

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venv-spark" / "bin" / "python"
PYTHON4 = ROOT / ".venv-spark4" / "bin" / "python"
SCRIPT = ROOT / "etl" / "glue" / "lake_job.py"
# The buckets, and the folder of each that Spark reads and writes.
FOLDERS = {"bronze": "cdc", "silver": "silver", "gold": "gold"}
# Longer than any of these runs takes; a run that hangs ends.
PATIENCE = 3000


def environment(python: Path) -> dict[str, str]:
    """Variables of this process for one with another Python."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "SPARK"))}
    # Or its workers would be whatever `python3` is first on the path.
    return clean | {"PYSPARK_PYTHON": str(python)}


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
        self.log = out / "log"
        with self.log.open("w") as log:
            self.child = subprocess.Popen(
                command, cwd=ROOT, env=environment(python), stdout=log, stderr=subprocess.STDOUT
            )
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


class GlueRun:
    """The Glue job's script as it is, started as Glue starts it, layer by layer; the catalogue is the local AWS's.

    Parameters
    ----------
    bronze
        Folder of Bronze files by key.
    out
        Folder for the buckets.
    timezone
        Of the reporting day.
    python
        An interpreter with PySpark.
    """

    def __init__(self, bronze: Path, out: Path, timezone: str, python: Path) -> None:
        self.root, self.database = out / "s3", f"glue_{uuid.uuid4().hex[:8]}"
        shutil.copytree(bronze, self.root / "bronze")
        for bucket, folder in FOLDERS.items():
            (self.root / bucket / folder).mkdir(parents=True, exist_ok=True)
        self.buckets = {f"{bucket}_bucket": bucket for bucket in FOLDERS}
        self.glue = OWNER.client("glue")
        self.glue.create_database(DatabaseInput={"Name": self.database})
        for table in catalog.glue_tables(database=self.database, **self.buckets):
            self.glue.create_table(DatabaseName=self.database, TableInput=table)
        self.settings = {name.upper(): value for name, value in self.buckets.items()} | {
            "GLUE_DATABASE": self.database,
            "REPORTING_TIMEZONE": timezone,
            "LAKE_LATE_DAYS": "100000",
        }
        self.python = python

    def run(self, layer: str) -> dict[str, Any]:
        """Run the job to its end; its last log line."""
        options = {"JOB_NAME": "lake", "enable-metrics": "true", "layer": layer, **self.settings}
        command = [self.python, SCRIPT, *(part for name in options for part in (f"--{name}", options[name]))]
        server, url = serve(self.root)
        clean = (
            environment(self.python)
            | OWNER.variables
            | {
                "AWS_ENDPOINT_URL_S3": url,
                "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
                "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
                "PYTHONPATH": str(ROOT),
                "PYSPARK_SUBMIT_ARGS": submit_arguments(self.root, FOLDERS),
            }
        )
        try:
            done = subprocess.run(
                command, cwd=self.root, env=clean, capture_output=True, text=True, timeout=PATIENCE
            )
        finally:
            server.shutdown()
            server.server_close()
        assert done.returncode == 0, done.stderr[-4000:]
        return dict(json.loads(done.stdout.splitlines()[-1]))

    def pointer(self) -> dict[str, Any]:
        """What readers of Gold are pointed at."""
        found = Bucket("gold", FolderS3(self.root)).get_json(GOLD_CURRENT)
        assert found
        return dict(found[0])

    def files(self, table: Table) -> list[Path]:
        """Parquet files of a table, where the catalogue says they are; of Silver, those that the lists there name."""
        where = {"DatabaseName": self.database}
        if table.layer == "silver":
            current = manifest.load(Bucket("silver", FolderS3(self.root)))
            parts = self.glue.get_partitions(**where, TableName=table.name)["Partitions"]
            locations = {part["StorageDescriptor"]["Location"] for part in parts}
            assert {
                f"s3://silver/{part.location}" for part in current.parts(table.name).values()
            } <= locations
            lists = [self._path(location) / manifest.LIST for location in locations]
            named = [line for one in lists if one.exists() for line in one.read_text().split()]
            return sorted(map(self._path, named))
        found = self.glue.get_table(**where, Name=table.name)["Table"]["StorageDescriptor"]["Location"]
        return sorted(self._path(found).glob("*.parquet"))

    def _path(self, address: str) -> Path:
        return self.root / address.removeprefix("s3://")


def same_files(
    table: Table, first: Iterable[Path], second: Iterable[Path], but: Collection[str] = ()
) -> None:
    """Compare two copies of a table: the declared schema in every file, and the rows as multisets.

    ``but`` are columns whose values may differ.
    """
    paths = [list(map(str, first)), list(map(str, second))]
    assert all(paths)
    for path in (*paths[0], *paths[1]):
        assert pq.read_schema(path).remove_metadata() == arrow_schema(table), path
    wanted = ", ".join(name for name, _ in table.columns if name not in but)
    queries = [f"SELECT {wanted} FROM read_parquet({files}, hive_partitioning=false)" for files in paths]
    for one, other in (queries, queries[::-1]):
        found = duckdb.sql(f"({one}) EXCEPT ALL ({other}) LIMIT 3").fetchall()
        assert not found, f"{table.name}: {found}"
