"""Which Bronze files have been consumed, and which have not.

A set of file names for each day is kept beside the commit that it belongs to and named by it, so that "consumed" and
"published" cannot diverge. Listing the keys after the last one is not enough: files arrive late and out of order, in
partitions of past days. Days are compared by digest, so a day's names are loaded only if that day has new files.
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
    """The consumed files of one day: the object that lists their names, their number, and the digest of the names."""

    key: str
    files: int
    digest: str


def day_prefix(day: str) -> str:
    """Key prefix of a day's Bronze files; `day` is `YYYY-MM-DD`."""
    year, month, dom = day.split("-")
    return f"{BRONZE_PREFIX}year={year}/month={month}/day={dom}/"


def by_day(keys: Iterable[str]) -> Days:
    """Bronze keys as names by day, without keys of another shape."""
    days: dict[str, set[str]] = defaultdict(set)
    for key in keys:
        found = _KEY.fullmatch(key)
        if found:
            year, month, dom, name = found.groups()
            days[f"{year}-{month}-{dom}"].add(name)
    return {day: frozenset(names) for day, names in days.items()}


def listing(bronze: Bucket, since: str) -> Days:
    """Names of Bronze files by day, from the day `since` on (`YYYY-MM-DD`; all days if empty)."""
    # "…/day=05" sorts before every key of that day and after every key of the days before.
    start = day_prefix(since).rstrip("/") if since else ""
    return by_day(bronze.keys(BRONZE_PREFIX, start))


def recent_entries(bronze: Bucket, now: datetime) -> Iterator[dict[str, Any]]:
    """What S3 lists of the Bronze files of today and yesterday (UTC)."""
    for back in range(RECENT_DAYS):
        day = (now - timedelta(days=back)).astimezone(UTC).date().isoformat()
        yield from bronze.entries(day_prefix(day))


def digest(names: Iterable[str]) -> str:
    """Digest of a set of names, independent of their order."""
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()[:32]


def unread(silver: Bucket, listed: Days, marks: Mapping[str, DayMark]) -> tuple[list[str], Days]:
    """Bronze keys that no commit has consumed.

    Parameters
    ----------
    listed
        The files in Bronze.
    marks
        The marks of the current commit.

    Returns
    -------
    list of str, dict
        The unread keys in order, and the consumed names of each of their days.
    """
    changed = [day for day, held in listed.items() if day not in marks or digest(held) != marks[day].digest]
    known = [day for day in changed if day in marks]
    loaded = dict(zip(known, in_parallel(lambda day: names(silver, marks[day]), known), strict=True))
    consumed = {day: loaded.get(day, frozenset()) for day in changed}
    keys = [day_prefix(day) + name for day in changed for name in listed[day] - consumed[day]]
    return sorted(keys), consumed


def advance(silver: Bucket, commit: str, consumed: Days, keys: Iterable[str]) -> dict[str, DayMark]:
    """Write the names for a commit that consumes `keys` as well; return the marks of the days of `keys`."""
    return write(
        silver, commit, {day: consumed.get(day, frozenset()) | names for day, names in by_day(keys).items()}
    )


def write(silver: Bucket, commit: str, days: Days) -> dict[str, DayMark]:
    """Write all consumed names of each day for a commit; return the marks."""
    marks = {}
    for day, names in days.items():
        mark = DayMark(f"{SILVER_PREFIX}_consumed/{day}/{commit}.json.gz", len(names), digest(names))
        silver.put(mark.key, gzip.compress(json.dumps(sorted(names)).encode(), mtime=0))
        marks[day] = mark
    return marks


def names(silver: Bucket, mark: DayMark | None) -> frozenset[str]:
    """Consumed names of a day, read by its mark; none if it has no mark."""
    if mark is None:
        return frozenset()
    found = silver.get(mark.key)
    if found is None:
        raise FileNotFoundError(f"{silver.url(mark.key)}, the names of consumed files, is gone")
    return frozenset(json.loads(gzip.decompress(found[0])))
