"""Commits Silver without some of its rows: the files that hold them are replaced, all others stay."""

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


def commit_without(
    config: LakeConfig,
    s3: Any,
    glue: Any,
    concerns: Callable[[str, str], bool],
    condition: Callable[[Engine, list[Path]], str],
) -> tuple[Manifest, Manifest | None]:
    """Replace the files of Silver that have rows to drop, and commit.

    Parameters
    ----------
    config, s3, glue
        As for `etl.run.Lake`.
    concerns
        Takes a table and a user bucket; whether the partition can have such rows.
    condition
        Takes local files; SQL that is true for the rows to drop.

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
        with scratch_engine(config) as (engine, folder):
            copies = LocalCopies(silver, folder)
            for table, parts in current.tables.items():
                for bucket in filter(functools.partial(concerns, table), parts):
                    into = silver_folder(table, bucket, commit)
                    kept = [
                        rewritten(engine, copies, file, f"{into}kept-{number}.parquet")
                        for number, file in enumerate(parts[bucket].files)
                    ]
                    if tuple(kept) != parts[bucket].files:
                        changed[table, bucket] = [file for file in kept if file.rows]
        return current.successor(commit, now, changed) if changed else None

    def rewritten(engine: Engine, copies: LocalCopies, file: File, key: str) -> File:
        """The file under `key` without the rows to drop; the file itself if it has none."""
        paths = copies.fetch([file.key])
        dropped = condition(engine, paths)
        if not engine.has_rows(paths, dropped):
            return file
        kept = copies.folder / "kept.parquet"
        rows = engine.without(paths, kept, dropped)
        if rows:
            silver.upload([(kept, key)])
        return File(key, rows, kept.stat().st_size, file.first, file.last)

    before, published = manifest.commit(silver, plan)
    if published:
        sync_silver(glue, config.database, published.locations(silver))
    return before, published
