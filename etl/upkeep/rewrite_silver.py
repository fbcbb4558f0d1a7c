"""Commits Silver without some of its rows, or with other values in them."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from etl.engine.embedded import Engine, scratch_engine
from etl.lake import manifest
from etl.lake.config import LakeConfig
from etl.lake.glue_partitions import sync_silver
from etl.lake.layout import silver_folder
from etl.lake.manifest import Manifest, Part
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
    """Rewrite the partitions of Silver that have certain rows, without these rows, and commit.

    Parameters
    ----------
    config, s3, glue
        As for `etl.run.Lake`.
    concerns
        Takes a table and a user bucket; whether the partition can have such rows.
    condition
        Takes the local files of a partition; SQL that is true for these rows.
    write
        Writes the rows of files as one file, given the condition; returns their number. By default it drops the rows.

    Returns
    -------
    Manifest, Manifest or None
        As `etl.lake.manifest.commit`.
    """
    silver = Bucket(config.silver_bucket, s3)

    def plan(current: Manifest) -> Manifest | None:
        tables = current.tables.items()
        held = {
            (table, bucket): part for table, parts in tables for bucket, part in parts.items() if part.rows
        }
        concerned = {where: part for where, part in held.items() if concerns(*where)}
        if not concerned:
            return None
        now = datetime.now(UTC)
        commit = manifest.new_name(now)
        changed: dict[tuple[str, str], Part] = {}
        dismissed = dict(current.dismissed)
        with scratch_engine(config) as (engine, folder):
            copies = LocalCopies(silver, folder)
            for where, part in concerned.items():
                paths = copies.fetch(part.files)
                meant = condition(engine, paths)
                if engine.has_rows(paths, meant):
                    kept = folder / "kept.parquet"
                    rows = write(engine, paths, kept, meant)
                    location = silver_folder(*where, commit)
                    changed[where] = Part(location, (f"{location}part-0.parquet",), rows, kept.stat().st_size)
                    silver.upload([(kept, changed[where].files[0])])
                    if where[0] == QUARANTINE.name:
                        dismissed[where[1]] = engine.dismissed([kept])
        return current.successor(commit, now, changed, dismissed=dismissed) if changed else None

    before, published = manifest.commit(silver, plan)
    if published:
        sync_silver(glue, config.database, published.locations(silver))
    return before, published
