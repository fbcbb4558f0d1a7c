"""The published state of Silver: which files are live, what was consumed for them, what they replaced."""

import secrets
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Self

from etl.lake.consumed_files import DayMark
from etl.lake.layout import SILVER_PREFIX
from etl.lake.storage import Bucket

CURRENT = f"{SILVER_PREFIX}_current.json"
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Part:
    """One partition of one table: its folder, and the keys, rows and bytes of its files."""

    location: str
    files: tuple[str, ...]
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """One commit of Silver.

    Parameters
    ----------
    commit
        Its unique name, in time order; empty before the first.
    sequence
        1 for the first commit, then one more each.
    committed_at, as_of
        When it was made, and the latest event time it holds (ISO 8601 UTC; empty where there is none).
    looked_at
        When all of Bronze was last searched for unread files, and none was left (ISO 8601 UTC; empty for never).
    tables
        Table name -> user bucket -> `Part`; a bucket without rows has none.
    days
        Bookmark: day -> `DayMark`.
    retired
        Key -> when a commit replaced it: files that may be deleted once no reader can still want them.
    """

    commit: str = ""
    sequence: int = 0
    committed_at: str = ""
    as_of: str = ""
    looked_at: str = ""
    tables: dict[str, dict[str, Part]] = field(default_factory=dict)
    days: dict[str, DayMark] = field(default_factory=dict)
    retired: dict[str, str] = field(default_factory=dict)

    def parts(self, table: str) -> dict[str, Part]:
        """Live partitions of a table, by user bucket."""
        return self.tables.get(table, {})

    def files(self, table: str) -> list[str]:
        """Keys of a table's live files."""
        return [key for _, part in sorted(self.parts(table).items()) for key in part.files]

    def all_files(self) -> Iterator[str]:
        """Keys of every live file of every table."""
        for table in self.tables:
            yield from self.files(table)

    def rows(self, table: str) -> int:
        """Rows of a table."""
        return sum(part.rows for part in self.parts(table).values())

    def to_json(self) -> dict[str, Any]:
        """As stored."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Read what `to_json` wrote; fields this code does not know are left out, missing ones have their default.

        Raises
        ------
        ValueError
            For a format this code does not know.
        """
        if stored.get("format") != FORMAT:
            raise ValueError(f"Silver manifest has format {stored.get('format')!r}, not {FORMAT}")
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in stored.items() if name in known}
        values["tables"] = {
            table: {bucket: Part(**{**part, "files": tuple(part["files"])}) for bucket, part in parts.items()}
            for table, parts in values["tables"].items()
        }
        values["days"] = {day: DayMark(**mark) for day, mark in values["days"].items()}
        return cls(**values)


def load(silver: Bucket) -> tuple[Manifest, str | None]:
    """The current manifest and its ETag; an empty one and None before the first commit."""
    found = silver.get_json(CURRENT)
    return (Manifest(), None) if found is None else (Manifest.from_json(found[0]), found[1])


def new_name(now: datetime) -> str:
    """Unique name of a commit or snapshot made at `now` (UTC), sorting by time."""
    return f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"
