"""Which Bronze files have been consumed, and which have not.

The bookmark is a set of file names a day, kept beside the commit it belongs to and named by it, so that "read" and
"published" cannot part. A listing after some key would not do: files arrive late and out of order, in partitions of
past days. Days are compared by digest, so that a day's names are only loaded when that day has news.
"""

import gzip
import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from etl.lake.layout import BRONZE_PREFIX, SILVER_PREFIX
from etl.lake.storage import Bucket, in_parallel

# Below the partition Firehose may add folders of its own: arrival time, for a prefix without a timestamp expression.
_KEY = re.compile(
    re.escape(BRONZE_PREFIX) + r"year=(\d{4})/month=(\d\d)/day=(\d\d)/(user_bucket=[^/]+/.*[^/])"
)

RECENT_DAYS = 2

Days = dict[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class DayMark:
    """What was consumed of one day: the object that lists the names, how many they are, and their digest."""

    key: str
    files: int
    digest: str


def day_prefix(day: str) -> str:
    """Key prefix of a day's Bronze files; `day` is `YYYY-MM-DD`."""
    year, month, dom = day.split("-")
    return f"{BRONZE_PREFIX}year={year}/month={month}/day={dom}/"


def by_day(keys: Iterable[str]) -> Days:
    """Bronze keys as names by day; keys of another shape are left out."""
    days: dict[str, set[str]] = defaultdict(set)
    for key in keys:
        found = _KEY.fullmatch(key)
        if found:
            year, month, dom, name = found.groups()
            days[f"{year}-{month}-{dom}"].add(name)
    return {day: frozenset(names) for day, names in days.items()}


def listing(bronze: Bucket, since: str) -> Days:
    """Bronze files of the days from `since` on (`YYYY-MM-DD`; all days where empty), as names by day."""
    # "…/day=05" sorts before every key of that day and after every key of the days before.
    start = day_prefix(since).rstrip("/") if since else ""
    return by_day(bronze.keys(BRONZE_PREFIX, start))


def recent_entries(bronze: Bucket, now: datetime) -> Iterator[dict[str, Any]]:
    """What S3 lists of the Bronze files of today and yesterday (UTC)."""
    for back in range(RECENT_DAYS):
        day = (now - timedelta(days=back)).astimezone(UTC).date().isoformat()
        yield from bronze.entries(day_prefix(day))


def digest(names: Iterable[str]) -> str:
    """Digest of a set of names, whatever their order."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:32]


def unread(silver: Bucket, listed: Days, marks: Mapping[str, DayMark]) -> tuple[list[str], Days]:
    """Bronze keys that no commit has consumed.

    Parameters
    ----------
    silver
        Where the day objects are.
    listed
        What Bronze holds.
    marks
        The current commit's bookmark.

    Returns
    -------
    list of str, dict
        The unread keys in order, and what had been consumed of each of their days.
    """
    changed = [day for day, names in listed.items() if day not in marks or digest(names) != marks[day].digest]
    known = [day for day in changed if day in marks]
    loaded = dict(zip(known, in_parallel(lambda day: _load(silver, marks[day]), known), strict=True))
    consumed = {day: loaded.get(day, frozenset()) for day in changed}
    keys = [day_prefix(day) + name for day in changed for name in listed[day] - consumed[day]]
    return sorted(keys), consumed


def advance(silver: Bucket, commit: str, consumed: Days, keys: Iterable[str]) -> dict[str, DayMark]:
    """Write the day objects of a commit that consumes `keys`; returns the marks of the days they are in."""
    return write(
        silver, commit, {day: consumed.get(day, frozenset()) | names for day, names in by_day(keys).items()}
    )


def write(silver: Bucket, commit: str, days: Days) -> dict[str, DayMark]:
    """Write the day objects of a commit: all names that are consumed of each day; returns their marks."""
    marks = {}
    for day, names in days.items():
        mark = DayMark(f"{SILVER_PREFIX}_consumed/{day}/{commit}.json.gz", len(names), digest(names))
        silver.put(mark.key, gzip.compress(json.dumps(sorted(names)).encode(), mtime=0))
        marks[day] = mark
    return marks


def names(silver: Bucket, mark: DayMark | None) -> frozenset[str]:
    """Names that are consumed of a day, by its mark; none where it has none."""
    return _load(silver, mark) if mark else frozenset()


def _load(silver: Bucket, mark: DayMark) -> frozenset[str]:
    found = silver.get(mark.key)
    if found is None:
        raise FileNotFoundError(f"bookmark {silver.url(mark.key)} is gone")
    return frozenset(json.loads(gzip.decompress(found[0])))
