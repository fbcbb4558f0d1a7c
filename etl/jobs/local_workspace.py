"""DuckDB in this process, on local copies of the lake's files."""

import functools
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from etl.engine.embedded import Engine, scratch_engine
from etl.jobs.bronze import groups, read
from etl.jobs.steps import silver_parameters, sql_text
from etl.jobs.workspace import Files, Made, Workspace, run_silver
from etl.lake.config import LakeConfig
from etl.lake.layout import gold_file, silver_folder
from etl.lake.manifest import File, Manifest
from etl.lake.storage import Bucket, ConflictError, LocalCopies, is_absent
from etl.lake.tables import GOLD, Table


class LocalWorkspace(Workspace):
    """The workspace of the embedded engine.

    Parameters
    ----------
    config, s3
        The lake and its boto3 client.
    folder
        For local copies and spilling; may be kept between runs.
    """

    edits_files = True

    def __init__(self, config: LakeConfig, s3: Any, folder: Path) -> None:
        self.config = config
        self.folder = folder
        self.bronze = Bucket(config.bronze_bucket, s3)
        self.gold = Bucket(config.gold_bucket, s3)
        self.copies = LocalCopies(Bucket(config.silver_bucket, s3), folder / "silver")
        folder.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        with scratch_engine(self.config, self.folder) as (engine, _):
            yield engine

    def silver_files(self, keys: Iterable[str]) -> list[Path]:
        try:
            return self.copies.fetch(keys)
        except ClientError as error:
            if is_absent(error):
                raise ConflictError("Silver's files were replaced while they were read") from error
            raise

    def keep_only(self, keys: Iterable[str]) -> None:
        self.copies.keep_only(keys)

    def make_silver(self, current: Manifest, commit: str, keys: Sequence[str]) -> Made:
        """Write what is new, one group of user buckets after the other, which bounds memory."""
        made, today = Made(current.as_of), datetime.now(UTC).date()
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            fresh = LocalCopies(self.bronze, Path(name))
            fresh.fetch(keys)
            for group in groups(keys, fresh):
                with self.engine() as engine:
                    parsed = functools.partial(
                        engine.run, "parsed", sql_text("silver", "parsed"), silver_parameters(today)
                    )
                    read(engine, fresh, [key for files in group.values() for key in files], parsed)
                    engine.run("days", sql_text("silver", "days"), silver_parameters(today))
                    run_silver(engine, self, current, commit, group, today, made)
        return made

    def store(self, engine: Engine, table: Table, commit: str) -> Files:
        """Upload the files, and keep them as local copies."""
        files: Files = {}
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            written: list[tuple[Path, str]] = []
            for one in engine.write_buckets(table, Path(name)):
                path = Path(name) / f"user_bucket={one.bucket}" / one.folder / "part-0.parquet"
                key = f"{silver_folder(table.name, one.bucket, commit)}{one.folder}{path.name}"
                held = File(key, one.rows, path.stat().st_size, one.first, one.last)
                files.setdefault((table.name, one.bucket), []).append(held)
                written.append((path, key))
            self.copies.bucket.upload(written)
            for path, key in written:
                self.copies.adopt(path, key)
        return files

    def write_gold(self, engine: Engine, snapshot: str) -> dict[str, int]:
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            paths = {table.name: Path(name) / f"{table.name}.parquet" for table in GOLD}
            rows = {table.name: engine.write(table, paths[table.name]) for table in GOLD}
            self.gold.upload((path, gold_file(table, snapshot)) for table, path in paths.items())
        return rows
