"""The published state of Silver: the live files, the Bronze files consumed for them, and the files they replaced."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, astuple, dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import Any, Self

from etl.lake.commit import commit_json
from etl.lake.consumed_files import DayMark
from etl.lake.layout import SILVER_CURRENT, list_folder, made_by
from etl.lake.storage import Bucket, in_parallel
from etl.lake.tables import QUARANTINE
from etl.log import iso

FORMAT = 2
# Format 1 had one file a partition, `tasks` and `users` among them. See `etl.jobs.take_over`.
OLD_FORMAT = 1
# So long the files of format 1 stay after a lake was taken over, for those who want to go back.
GO_BACK = timedelta(days=7)
# The object in a partition's location: the addresses of its files, one a line, for Hive's SymlinkTextInputFormat.
LIST = "files.txt"
# Before and after every day.
ANY_DAY = ("", "~")


class OldFormatError(RuntimeError):
    """Silver is in the format of an older version, which only a run takes over."""


@dataclass(frozen=True, slots=True)
class File:
    """One data file: key, rows, bytes, and the first and last day of its events where the table is dated (ISO)."""

    key: str
    rows: int
    bytes: int
    first: str = ANY_DAY[0]
    last: str = ANY_DAY[1]

    def may_hold(self, days: Iterable[str]) -> bool:
        """Whether the file can have an event of one of the days."""
        return any(self.first <= day <= self.last for day in days)


@dataclass(frozen=True, slots=True)
class Part:
    """One partition of one table: the folder that readers find its files by, and the files."""

    location: str
    files: tuple[File, ...]

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(file.rows for file in self.files)

    @property
    def keys(self) -> list[str]:
        """Keys of the files."""
        return [file.key for file in self.files]

    @property
    def list_key(self) -> str:
        """Key of the object that lists the files."""
        return self.location + LIST


Parts = Mapping[tuple[str, str], Iterable[File]]


@dataclass(frozen=True, slots=True)
class Manifest:
    """One commit of Silver.

    Parameters
    ----------
    commit
        Its unique name, in time order; empty before the first.
    content
        Name of the last commit that changed rows; merging files changes none.
    sequence
        1 for the first commit, then counting up.
    committed_at, as_of
        When it was made, and its latest event time (ISO 8601 UTC; empty if there is none).
    looked_at
        When a search of all of Bronze last left no file unread (ISO 8601 UTC; empty for never).
    tables
        Table name -> user bucket -> `Part`; a bucket that never had rows has none.
    days
        Consumed Bronze files: day -> `DayMark`.
    dismissed
        User bucket -> how many of its quarantined rows a person has closed.
    retired
        Key -> when a commit replaced it. The file is deleted once no reader can still need it.
    taken_over
        Name of the commit that took over the lake of an older version; empty if none did.
    format
        Of the stored form that it was read from.
    """

    commit: str = ""
    content: str = ""
    sequence: int = 0
    committed_at: str = ""
    as_of: str = ""
    looked_at: str = ""
    tables: dict[str, dict[str, Part]] = field(default_factory=dict)
    days: dict[str, DayMark] = field(default_factory=dict)
    retired: dict[str, str] = field(default_factory=dict)
    dismissed: dict[str, int] = field(default_factory=dict)
    taken_over: str = ""
    format: int = FORMAT

    def parts(self, table: str) -> dict[str, Part]:
        """Live partitions of a table, by user bucket."""
        return self.tables.get(table, {})

    def files(self, table: str) -> list[str]:
        """Keys of a table's live files."""
        return [key for _, part in sorted(self.parts(table).items()) for key in part.keys]

    def all_files(self) -> Iterator[str]:
        """Keys of every live file of every table."""
        for table in self.tables:
            yield from self.files(table)

    def all_lists(self) -> Iterator[str]:
        """Keys of the lists of these files."""
        for parts in self.tables.values():
            yield from (part.list_key for part in parts.values())

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

    def successor(self, commit: str, now: datetime, parts: Parts, **changes: Any) -> Self:
        """The next commit: some partitions get other files; the files they lose are retired.

        Parameters
        ----------
        commit, now
            Its name, and when it is made (UTC).
        parts
            All files of the changed partitions, by table and user bucket.
        changes
            Other fields.
        """
        tables = {table: dict(held) for table, held in self.tables.items()}
        lost: set[str] = set()
        for (table, bucket), files in parts.items():
            held = self.parts(table).get(bucket)
            part = Part(list_folder(table, bucket, commit), tuple(files))
            tables.setdefault(table, {})[bucket] = part
            if held:
                lost |= {held.list_key, *held.keys} - set(part.keys)
        made: dict[str, Any] = {
            "commit": commit,
            "content": commit,
            "sequence": self.sequence + 1,
            "committed_at": iso(now),
        }
        return replace(self, tables=tables, **(made | changes)).retire(lost, now)

    def taken_over_by(self, commit: str, now: datetime, parts: Parts, dropped: Iterable[str]) -> Self:
        """The first commit in today's format on a lake in the one before: `successor`, without some tables."""
        gone = set(dropped)
        keys = [key for table in gone for key in self.files(table)]
        kept = {table: held for table, held in self.tables.items() if table not in gone}
        mine = replace(self, tables=kept, format=FORMAT, taken_over=commit)
        return mine.successor(commit, now, parts).retire(keys, now)

    def added(self, parts: Parts) -> dict[tuple[str, str], list[File]]:
        """All files of some partitions, with more files each: what `successor` takes."""
        return {
            (table, bucket): [*self.files_of(table, bucket), *files]
            for (table, bucket), files in parts.items()
        }

    def files_of(self, table: str, bucket: str) -> tuple[File, ...]:
        """Live files of a partition."""
        part = self.parts(table).get(bucket)
        return part.files if part else ()

    def retire(self, keys: Iterable[str], now: datetime) -> Self:
        """The same commit, with more objects to delete later: those of an older version's lake after `GO_BACK`."""
        since = {key: iso(now) for key in keys}
        if self.taken_over:
            day = datetime.strptime(f"{self.taken_over[:15]}+0000", "%Y%m%dT%H%M%S%z")
            old = max(iso(now), iso(day + GO_BACK))
            since = {key: at if self.taken_over <= made_by(key) else old for key, at in since.items()}
        return replace(self, retired={**self.retired, **since})

    def to_json(self) -> dict[str, Any]:
        """The stored form; OldFormatError if it was read from an older one."""
        if self.format != FORMAT:
            raise OldFormatError("Silver is in the format of an older version: the next run takes it over")
        stored = {one.name: getattr(self, one.name) for one in fields(self)}
        stored["tables"] = {
            table: {
                bucket: {"location": part.location, "files": [astuple(file) for file in part.files]}
                for bucket, part in parts.items()
            }
            for table, parts in self.tables.items()
        }
        stored["days"] = {day: asdict(mark) for day, mark in self.days.items()}
        return stored

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Read the stored form: unknown fields are ignored, missing ones get their default.

        Raises
        ------
        ValueError
            For an unknown format.
        """
        read = {FORMAT: _part, OLD_FORMAT: _old_part}.get(stored.get("format", 0))
        if read is None:
            raise ValueError(f"Silver manifest has format {stored.get('format')!r}, not {FORMAT}")
        known = {field.name for field in fields(cls)}
        values = {name: value for name, value in stored.items() if name in known}
        values["tables"] = {
            table: {bucket: read(part) for bucket, part in parts.items()}
            for table, parts in values["tables"].items()
        }
        values["days"] = {day: DayMark(**mark) for day, mark in values["days"].items()}
        return cls(**values)


def _part(stored: Mapping[str, Any]) -> Part:
    return Part(stored["location"], tuple(File(*file) for file in stored["files"]))


def _old_part(stored: Mapping[str, Any]) -> Part:
    """A partition of format 1, which tells rows and bytes only of all its files together."""
    files = [File(key, 0, 0) for key in stored["files"]]
    if files:
        files[0] = File(files[0].key, stored["rows"], stored["bytes"])
    return Part(stored["location"], tuple(files))


def load(silver: Bucket) -> Manifest:
    """The current manifest; an empty one before the first commit."""
    found = silver.get_json(SILVER_CURRENT)
    return _parsed(found[0] if found else None)


def _parsed(stored: dict[str, Any] | None) -> Manifest:
    return Manifest.from_json(stored) if stored else Manifest()


def commit(silver: Bucket, plan: Callable[[Manifest], Manifest | None]) -> tuple[Manifest, Manifest | None]:
    """Replace the manifest with what `plan` makes of it, as `etl.lake.commit.commit_json` does.

    The lists of the files of changed partitions are written first.

    Returns
    -------
    Manifest, Manifest or None
        The manifest that was replaced, and the one that was written; None if `plan` left it.
    """

    def plan_json(stored: dict[str, Any] | None) -> dict[str, Any] | None:
        current = _parsed(stored)
        changed = plan(current)
        if changed is None:
            return None
        _write_lists(silver, current, changed)
        return changed.to_json()

    held, written = commit_json(silver, SILVER_CURRENT, plan_json)
    return _parsed(held), _parsed(written) if written else None


def _write_lists(silver: Bucket, before: Manifest, after: Manifest) -> None:
    changed = [
        part
        for table, parts in after.tables.items()
        for bucket, part in parts.items()
        if part.files and part != before.parts(table).get(bucket)
    ]

    def write(part: Part) -> None:
        silver.put(part.list_key, "\n".join(silver.url(key) for key in part.keys).encode())

    in_parallel(write, changed)


def new_name(now: datetime) -> str:
    """Unique name of a commit or snapshot made at `now` (UTC), sorting by time."""
    return f"{now:%Y%m%dT%H%M%S%f}-{secrets.token_hex(3)}"
