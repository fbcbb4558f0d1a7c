"""Reads Bronze files into the embedded engine: groups that fit into memory, and a row for each unreadable file."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from etl.engine.errors import EngineError
from etl.lake import erased
from etl.lake.layout import bucket_of
from etl.lake.storage import LocalCopies
from etl.lake.tables import BRONZE
from etl.log import log

if TYPE_CHECKING:
    from etl.engine.embedded import Engine

# A group of user buckets has up to this many compressed bytes, which bounds memory.
GROUP_BYTES = 256 * 1024 * 1024


def groups(keys: Sequence[str], copies: LocalCopies, limit: int = GROUP_BYTES) -> list[dict[str, list[str]]]:
    """Sort files by user bucket, and put the buckets into groups of about `limit` bytes.

    Parameters
    ----------
    keys, copies
        New Bronze files and their local copies.
    limit
        Bytes of the files; a larger bucket is a group of its own.

    Returns
    -------
    list of dict
        Groups of bucket -> keys.
    """
    by_bucket = defaultdict(list)
    for key in keys:
        by_bucket[bucket_of(key)].append(key)
    made: list[dict[str, list[str]]] = []
    room = 0
    for bucket, files in sorted(by_bucket.items()):
        size = sum(copies.path(key).stat().st_size for key in files)
        if not made or size > room:
            made.append({})
            room = limit
        made[-1][bucket] = files
        room -= size
    return made


def read(engine: "Engine", copies: LocalCopies, keys: Sequence[str], use: Callable[[], None]) -> None:
    """Make the relation `bronze` from files and `use` it; if that finds unreadable files, do it again without them.

    It has no rows of erased people. `copies` are the local copies of the files, `use` reads the whole relation for the
    first time.
    """
    paths = [copies.path(key) for key in keys]
    try:
        _read(engine, copies, paths, {})
        use()
    except EngineError:
        bad = engine.unreadable(paths)
        if not bad:
            raise
        _read(engine, copies, [path for path in paths if path not in bad], bad)
        use()


def _read(engine: "Engine", copies: LocalCopies, paths: Sequence[Path], bad: Mapping[Path, str]) -> None:
    lost = {path.relative_to(copies.folder).as_posix(): why for path, why in bad.items()}
    for key in lost:
        log("bronze", "unreadable file", level="ERROR", status="unreadable", key=key)
    unreadable = [(bucket_of(key), key, why) for key, why in lost.items()]
    engine.read_bronze(BRONZE, paths, copies.folder, unreadable, erased.load(copies.bucket))
