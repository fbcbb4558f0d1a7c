"""Checks of a Gold snapshot before it is published: if one fails, readers keep the last good snapshot."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from etl.lake.layout import GOLD_PREFIX
from etl.lake.manifest import Manifest
from etl.lake.storage import Bucket
from etl.log import iso

# The refused snapshot and the reasons; deleted when the next snapshot is published.
REFUSED = f"{GOLD_PREFIX}_refused.json"


@dataclass(frozen=True, slots=True)
class Check:
    """One check: the rule, whether it holds, and what was found."""

    name: str
    ok: bool
    found: str


class QualityError(RuntimeError):
    """A snapshot failed its checks; `checks` has all results."""

    def __init__(self, checks: Iterable[Check]) -> None:
        self.checks = list(checks)
        failed = [f"{check.name}: {check.found}" for check in self.checks if not check.ok]
        super().__init__("; ".join(failed))


def judge(
    rows: Iterable[tuple[str, int, int]], read: Mapping[str, int], source: Manifest, latest: str, before: str
) -> list[Check]:
    """Results of a snapshot's checks.

    Parameters
    ----------
    rows
        `(name, failures, examined)`, the result of `sql/checks/quality.sql`.
    read
        Rows that were read of each Silver table.
    source
        The Silver commit, which says how many rows should have been read.
    latest
        Time of the latest event that was read (ISO 8601 UTC).
    before
        The `as_of` of the last published snapshot; empty if there is none.
    """
    checks = [
        Check(name, failures == 0, f"{failures:,} of {examined:,} wrong") for name, failures, examined in rows
    ]
    for table, count in read.items():
        wanted = source.rows(table)
        checks.append(Check(f"All of {table} was read", count == wanted, f"{count:,} of {wanted:,} rows"))
    # Not compared with the clock of this machine: publication must not depend on a clock that is a minute ahead.
    known, newer = latest <= source.as_of, source.as_of >= before
    checks.append(
        Check("No event is newer than Silver says", known, f"{latest or 'none'}, {source.as_of or 'none'}")
    )
    checks.append(Check("The snapshot is as fresh as the last", newer, f"as of {source.as_of or 'none'}"))
    return sorted(checks, key=lambda check: (check.ok, check.name))


def require(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """The results as they are stored; QualityError if a check failed."""
    found = list(checks)
    if not all(check.ok for check in found):
        raise QualityError(found)
    return [asdict(check) for check in found]


def refuse(gold: Bucket, wanted: Mapping[str, str], error: QualityError) -> None:
    """Store a note of a refused snapshot, for people and for the next run."""
    results = [asdict(check) for check in error.checks]
    note = {"input": dict(wanted), "refused_at": iso(datetime.now(UTC)), "checks": results}
    held = gold.get_json(REFUSED)
    gold.replace_json(REFUSED, note, held[1] if held else None)


def failed(gold: Bucket) -> int:
    """How many checks the newest figures failed; 0 if they were published."""
    return sum(not check["ok"] for check in (refused(gold) or {"checks": ()})["checks"])


def refused(gold: Bucket) -> dict[str, Any] | None:
    """The note of the last refused snapshot; None if a good one has been published since."""
    found = gold.get_json(REFUSED)
    return found[0] if found else None
