"""Commits Silver without some of its rows, or with other values in them: the files that hold them are replaced."""

import functools
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from etl.engine.embedded import Engine, scratch_engine
from etl.lake import manifest
from etl.lake.config import LakeConfig
from etl.lake.glue_partitions import sync_silver
from etl.lake.layout import silver_folder
from etl.lake.manifest import File, Manifest
from etl.lake.storage import Bucket, LocalCopies
from etl.lake.tables import QUARANTINE


def commit_rewritten(
    config: LakeConfig,
    s3: Any,
    glue: Any,
    concerns: Callable[[str, str], bool],
    condition: Callable[[Engine, list[Path]], str],
    write: Callable[[Engine, list[Path], Path, str], int] = Engine.without,
) -> tuple[Manifest, Manifest | None]:
    """Replace the files of Silver that have certain rows, by default with files without these rows, and commit.

    Parameters
    ----------
    config, s3, glue
        As for `etl.run.Lake`.
    concerns
        Takes a table and a user bucket; whether the partition can have such rows.
    condition
        Takes local files; SQL that is true for these rows.
    write
        Writes the rows of files as one file, given the condition; returns their number. By default it drops the rows.

    Returns
    -------
    Manifest, Manifest or None
        As `etl.lake.manifest.commit`.
    """
    silver = Bucket(config.silver_bucket, s3)

    def plan(current: Manifest) -> Manifest | None:
        now = datetime.now(UTC)
        commit = manifest.new_name(now)
        changed: dict[tuple[str, str], list[File]] = {}
        dismissed = dict(current.dismissed)
        with scratch_engine(config) as (engine, folder):
            copies = LocalCopies(silver, folder)
            for table, parts in current.tables.items():
                for bucket in filter(functools.partial(concerns, table), parts):
                    into = silver_folder(table, bucket, commit)
                    files = [
                        rewritten(engine, copies, file, f"{into}kept-{number}.parquet")
                        for number, file in enumerate(parts[bucket].files)
                    ]
                    if tuple(files) == parts[bucket].files:
                        continue
                    changed[table, bucket] = held = [file for file in files if file.rows]
                    if table == QUARANTINE.name:
                        dismissed[bucket] = engine.dismissed(copies.fetch(file.key for file in held))
        return current.successor(commit, now, changed, dismissed=dismissed) if changed else None

    def rewritten(engine: Engine, copies: LocalCopies, file: File, key: str) -> File:
        """The file under `key`, written without these rows or with other values; the file itself if it has none."""
        paths = copies.fetch([file.key])
        meant = condition(engine, paths)
        if not engine.has_rows(paths, meant):
            return file
        path = copies.folder / "rewritten.parquet"
        rows = write(engine, paths, path, meant)
        made = File(key, rows, path.stat().st_size, file.first, file.last)
        if rows:
            silver.upload([(path, key)])
            copies.adopt(path, key)
        return made

    before, published = manifest.commit(silver, plan)
    if published:
        sync_silver(glue, config.database, published.locations(silver))
    return before, published
