"""The published state of Silver: the live files, the Bronze files consumed for them, and the files they replaced."""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Self

from etl.lake.commit import commit_json
from etl.lake.consumed_files import DayMark
from etl.lake.layout import SILVER_CURRENT
from etl.lake.storage import Bucket
from etl.lake.tables import QUARANTINE
from etl.log import iso

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
        1 for the first commit, then counting up.
    committed_at, as_of
        When it was made, and its latest event time (ISO 8601 UTC; empty if there is none).
    looked_at
        When a search of all of Bronze last left no file unread (ISO 8601 UTC; empty for never).
    tables
        Table name -> user bucket -> `Part`; a bucket without rows has none.
    days
        Consumed Bronze files: day -> `DayMark`.
    dismissed
        User bucket -> how many of its quarantined rows a person has closed.
    retired
        Key -> when a commit replaced it. The file is deleted once no reader can still need it.
    """

    commit: str = ""
    sequence: int = 0
    committed_at: str = ""
    as_of: str = ""
    looked_at: str = ""
    tables: dict[str, dict[str, Part]] = field(default_factory=dict)
    days: dict[str, DayMark] = field(default_factory=dict)
    retired: dict[str, str] = field(default_factory=dict)
    dismissed: dict[str, int] = field(default_factory=dict)

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

    def quarantined(self) -> int:
        """Quarantined rows that nobody has closed."""
        return self.rows(QUARANTINE.name) - sum(self.dismissed.values())

    def locations(self, silver: Bucket) -> dict[str, dict[str, str]]:
        """Table name -> user bucket -> `s3://…/` folder of the live partition."""
        return {
            table: {bucket: silver.url(part.location) for bucket, part in parts.items()}
            for table, parts in self.tables.items()
        }

    def successor(
        self, commit: str, now: datetime, parts: Mapping[tuple[str, str], Part], **changes: Any
    ) -> Self:
        """The next commit: some partitions replaced, and their files retired.

        Parameters
        ----------
        commit, now
            Its name, and when it is made (UTC).
        parts
            The new partitions, by table and user bucket.
        changes
            Other fields.
        """
        tables = {table: dict(held) for table, held in self.tables.items()}
        for (table, bucket), part in parts.items():
            tables.setdefault(table, {})[bucket] = part
        replaced = [key for table, bucket in parts for key in _files(self.parts(table).get(bucket))]
        return replace(
            self,
            commit=commit,
            sequence=self.sequence + 1,
            committed_at=iso(now),
            tables=tables,
            retired={**self.retired, **dict.fromkeys(replaced, iso(now))},
            **changes,
        )

    def to_json(self) -> dict[str, Any]:
        """The stored form."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Read the stored form: unknown fields are ignored, missing ones get their default.

        Raises
        ------
        ValueError
            For an unknown format.
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


def _files(part: Part | None) -> tuple[str, ...]:
    return part.files if part else ()


def load(silver: Bucket) -> Manifest:
    """The current manifest; an empty one before the first commit."""
    found = silver.get_json(SILVER_CURRENT)
    return _parsed(found[0] if found else None)


def _parsed(stored: dict[str, Any] | None) -> Manifest:
    return Manifest.from_json(stored) if stored else Manifest()


def commit(silver: Bucket, plan: Callable[[Manifest], Manifest | None]) -> tuple[Manifest, Manifest | None]:
    """Replace the manifest with what `plan` makes of it, as `etl.lake.commit.commit_json` does.

    Returns
    -------
    Manifest, Manifest or None
        The manifest that was replaced, and the one that was written; None if `plan` left it.
    """

    def plan_json(stored: dict[str, Any] | None) -> dict[str, Any] | None:
        changed = plan(_parsed(stored))
        return changed.to_json() if changed else None

    held, written = commit_json(silver, SILVER_CURRENT, plan_json)
    return _parsed(held), _parsed(written) if written else None


def new_name(now: datetime) -> str:
    """Unique name of a commit or snapshot made at `now` (UTC), sorting by time."""
    return f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"
