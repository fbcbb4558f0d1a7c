"""Status of the pipeline, read from the objects that its parts leave behind; the number of reads is bounded."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from etl.jobs import quality
from etl.jobs.quality import Check
from etl.lake import manifest
from etl.lake.config import LakeConfig
from etl.lake.consumed_files import recent_entries
from etl.lake.layout import GOLD_COMMIT
from etl.lake.storage import Bucket
from etl.lake.tables import SILVER, TASK_EVENTS
from etl.status import run_log

LISTED = 10_000


@dataclass(frozen=True, slots=True)
class Layer:
    """A published layer: when it was published, its latest event, the duration of the run, rows by table."""

    published_at: str = ""
    as_of: str = ""
    lag_seconds: float | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    duration_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The whole pipeline at one moment.

    Parameters
    ----------
    files
        Bronze files that Silver has consumed.
    recent_files, recent_bytes
        Number and size of the Bronze files of the last two days.
    recent_complete
        False if there are more than are listed.
    last_delivery
        When Firehose wrote its latest object (UTC); None if there is none in the last two days.
    quarantined, dismissed
        Quarantined rows that wait to be looked at, and those that a person has closed.
    failed
        How many checks the newest figures failed; 0 if they were published.
    """

    silver: Layer
    gold: Layer
    files: int
    recent_files: int
    recent_bytes: int
    recent_complete: bool
    last_delivery: datetime | None
    quarantined: int
    dismissed: int
    failed: int
    checks: tuple[Check, ...]


def read(config: LakeConfig, s3: Any, now: datetime | None = None) -> Status:
    """Read the status at `now` (aware; the clock's time if None)."""
    moment = now or datetime.now(UTC)
    silver, gold = Bucket(config.silver_bucket, s3), Bucket(config.gold_bucket, s3)
    current = manifest.load(silver)
    commit = (gold.get_json(GOLD_COMMIT) or ({}, ""))[0]
    durations = _durations(silver)
    rows = {table.name: current.rows(table.name) for table in SILVER} if current.sequence else {}
    made = Layer(
        current.committed_at,
        current.as_of,
        _lag(current.as_of, current.committed_at),
        rows,
        durations.get("silver"),
    )
    recent = _recent(config, s3, moment)
    quarantined = current.quarantined()
    return Status(
        silver=made,
        gold=_gold(commit, durations.get("gold")),
        files=sum(mark.files for mark in current.days.values()),
        recent_files=len(recent),
        recent_bytes=sum(entry["Size"] for entry in recent),
        recent_complete=len(recent) < LISTED,
        last_delivery=_newest(recent),
        quarantined=quarantined,
        dismissed=sum(current.dismissed.values()),
        failed=quality.failed(gold),
        checks=_checks(current, commit, quality.refused(gold), quarantined),
    )


def last_delivery(config: LakeConfig, s3: Any, now: datetime | None = None) -> datetime | None:
    """Return when Firehose wrote its latest object (UTC); None if there is none in the two days before `now`."""
    return _newest(_recent(config, s3, now or datetime.now(UTC)))


def _recent(config: LakeConfig, s3: Any, now: datetime) -> list[dict[str, Any]]:
    return list(islice(recent_entries(Bucket(config.bronze_bucket, s3), now), LISTED))


def _newest(entries: list[dict[str, Any]]) -> datetime | None:
    return max((entry["LastModified"] for entry in entries if "LastModified" in entry), default=None)


def _durations(silver: Bucket) -> dict[str, int]:
    found: dict[str, int] = {}
    for run in run_log.latest(silver):
        found.setdefault(run["layer"], run["duration_ms"])
    return found


def _gold(commit: Mapping[str, Any], duration: int | None) -> Layer:
    if not commit:
        return Layer()
    rows = {name: table["rows"] for name, table in commit["tables"].items()}
    lag = _lag(commit["as_of"], commit["published_at"])
    return Layer(commit["published_at"], commit["as_of"], lag, rows, duration)


def _lag(earlier: str, later: str) -> float | None:
    if not earlier or not later:
        return None
    return max(0.0, (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds())


def _checks(
    current: manifest.Manifest, commit: Mapping[str, Any], refused: Mapping[str, Any] | None, quarantined: int
) -> tuple[Check, ...]:
    events = current.rows(TASK_EVENTS.name)
    fresh = bool(commit) and commit.get("silver_commit") == current.content
    own = tuple(
        Check(str(check["name"]), bool(check["ok"]), str(check.get("found", "")))
        for check in (refused or commit).get("checks", ())
    )
    return (
        Check(
            "Every change could be read", quarantined == 0, f"{quarantined:,} in quarantine, {events:,} read"
        ),
        Check(
            "Gold is made of the latest Silver", fresh, "yes" if fresh else "Silver is ahead; a run is due"
        ),
        *own,
    )
