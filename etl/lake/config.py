"""Settings of the lake jobs, from environment variables. A missing or malformed one stops the process at start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones


class ConfigError(RuntimeError):
    """Settings are missing or malformed; the message names them."""


@dataclass(frozen=True, slots=True)
class LakeConfig:
    """The location of the lake and the behaviour of a run.

    Parameters
    ----------
    bronze_bucket, silver_bucket, gold_bucket, database
        S3 buckets and the Glue database.
    timezone
        Time zone of the reporting days.
    late_days
        Every run searches the Bronze partitions of this many days for new files; one run a day searches the older ones.
    keep_snapshots, keep_seconds
        A replaced file is deleted once it is older than `keep_seconds` and in none of the last `keep_snapshots`.
    poll_seconds
        Pause between two searches of Bronze in `--watch`.
    work_dir
        Folder for local copies of lake files and for spilling; a new temporary one if None.
    memory_limit, threads
        Limits of the embedded engine; its own defaults if None.
    failure_queue
        URL of the on-failure queue of change capture; empty if there is none.
    """

    bronze_bucket: str
    silver_bucket: str
    gold_bucket: str
    database: str
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    late_days: int = 35
    keep_snapshots: int = 3
    keep_seconds: int = 300
    poll_seconds: float = 0.5
    work_dir: Path | None = None
    memory_limit: str | None = None
    threads: int | None = None
    failure_queue: str = ""

    def today(self, now: datetime) -> date:
        """Reporting date at `now` (aware)."""
        return now.astimezone(self.timezone).date()


def required(environ: Mapping[str, str], *names: str) -> list[str]:
    """Values of settings that have no default.

    Raises
    ------
    ConfigError
        If any is missing or empty; the message names all of them.
    """
    missing = [name for name in names if not environ.get(name)]
    if missing:
        raise ConfigError(f"missing environment variables: {', '.join(missing)}")
    return [environ[name] for name in names]


def lake_config(environ: Mapping[str, str] = os.environ) -> LakeConfig:
    """Read `BRONZE_BUCKET`, `SILVER_BUCKET`, `GOLD_BUCKET`, `GLUE_DATABASE` and the optional settings.

    Optional: `CDC_FAILURE_QUEUE_URL`, `REPORTING_TIMEZONE` (UTC), `LAKE_LATE_DAYS`, `LAKE_KEEP_SNAPSHOTS` (at least 3),
    `LAKE_KEEP_SECONDS`, `LAKE_POLL_SECONDS`, `LAKE_WORK_DIR`, `LAKE_MEMORY_LIMIT`, `LAKE_THREADS`.

    Raises
    ------
    ConfigError
        If a setting is missing or malformed.
    """
    bronze, silver, gold, database = required(
        environ, "BRONZE_BUCKET", "SILVER_BUCKET", "GOLD_BUCKET", "GLUE_DATABASE"
    )
    work_dir = environ.get("LAKE_WORK_DIR")
    threads = environ.get("LAKE_THREADS")
    return LakeConfig(
        bronze_bucket=bronze,
        silver_bucket=silver,
        gold_bucket=gold,
        database=database,
        failure_queue=environ.get("CDC_FAILURE_QUEUE_URL") or "",
        timezone=_zone(environ.get("REPORTING_TIMEZONE") or "UTC"),
        late_days=int(_number(environ, "LAKE_LATE_DAYS", 35, least=1)),
        keep_snapshots=int(_number(environ, "LAKE_KEEP_SNAPSHOTS", 3, least=3)),
        keep_seconds=int(_number(environ, "LAKE_KEEP_SECONDS", 300, least=0)),
        poll_seconds=_number(environ, "LAKE_POLL_SECONDS", 0.5, least=0.05),
        work_dir=Path(work_dir) if work_dir else None,
        memory_limit=environ.get("LAKE_MEMORY_LIMIT") or None,
        threads=int(_number(environ, "LAKE_THREADS", 0, least=1)) if threads else None,
    )


def _zone(name: str) -> ZoneInfo:
    # A system keeps its own zone beside the others, and that of a machine nobody has set up.
    if name not in available_timezones() - {"localtime", "Factory"}:
        raise ConfigError(f"REPORTING_TIMEZONE is not an IANA timezone: {name!r}")
    return ZoneInfo(name)


def _number(environ: Mapping[str, str], name: str, default: float, *, least: float) -> float:
    text = environ.get(name) or str(default)
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not value >= least:
        raise ConfigError(f"{name} must be a number of at least {least:g}, not {text!r}")
    return value
