"""The SQL files of the lake: their order and their parameters.

Any engine that can name a relation, run a statement and write Parquet can run them.
"""

import functools
import hashlib
from datetime import date, datetime
from pathlib import Path

from etl.lake.latest import current_sql
from etl.lake.layout import GOLD_KPIS, SOURCE_TABLE
from etl.lake.tables import GOLD, TABLES, VIEWS
from etl.log import iso

SQL = Path(__file__).parents[1] / "sql"

# `parsed` reads `bronze`, `days` reads `parsed`; the others read `parsed`, each other, `known_events` and
# `known_quarantine`.
SILVER_STAGING = ("parsed", "days")
SILVER_STATES = ("task_states", "user_states")
SILVER = (*SILVER_STAGING, "task_events", *SILVER_STATES, "quarantine")
# They read Silver's `task_events`, and its views `tasks` and `users`. The results of the staging files are not stored.
GOLD_STAGING = ("changes", "calendar", "lives", "active_days")
GOLD_STEPS = (
    *GOLD_STAGING,
    # kpi_daily reads two of the others.
    *(table.name for table in GOLD if table.name != "kpi_daily"),
    "kpi_daily",
)

_DAY = "[1-9][0-9]{3}-[01][0-9]-[0-3][0-9]"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?"
# Texts that all engines read alike; any other text becomes null or is refused. A time without an offset is UTC.
PATTERNS = {
    "timestamp_pattern": f"^{_DAY}[T ]{_CLOCK}(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?\\z",
    "date_pattern": "^(19|[2-9][0-9])[0-9]{2}-[01][0-9]-[0-3][0-9]\\z",
    "integer_pattern": "^[0-9]{1,18}\\z",
    "sequence_pattern": "^[0-9]{1,40}\\z",
}
# What attributes of a task may hold: the same as in `tasks.fields`. A text that looks like another type may be one.
DOMAINS = {
    "status_pattern": "^(pending|in_progress|completed|cancelled)\\z",
    "priority_pattern": "^(low|medium|high|urgent)\\z",
    "not_text_pattern": "^(-?[0-9]|\\[|\\{|(true|false)\\z)",
}
# No clock is believed that says an earlier time. Imports take times from here on (`tasks.transfer.mending.EARLIEST`).
EARLIEST = "2000-01-01T00:00:00Z"


def silver_parameters(today: date) -> dict[str, str]:
    """Parameters of `sql/silver/`; `today` is the day of the run (UTC)."""
    return {
        **PATTERNS,
        **DOMAINS,
        "earliest": EARLIEST,
        "table_name": SOURCE_TABLE,
        "today": today.isoformat(),
    }


def gold_parameters(today: date, timezone: str) -> dict[str, str]:
    """Parameters of `sql/gold/`.

    Parameters
    ----------
    today
        Reporting date: tasks due before it are overdue, and active users are counted back from it.
    timezone
        IANA name of the time zone of reporting days.
    """
    return {"today": today.isoformat(), "timezone": timezone}


def restore_parameters(until: datetime) -> dict[str, str]:
    """Parameters of `sql/restore/`; `until` is the point in time (aware)."""
    return PATTERNS | {"until": iso(until)}


@functools.cache
def sql_text(layer: str, name: str) -> str:
    """Text of `sql/<layer>/<name>.sql`."""
    return (SQL / layer / f"{name}.sql").read_text()


@functools.cache
def gold_definition() -> str:
    """Digest of everything but the input that decides the content of Gold; if it changes, a new snapshot is due."""
    digest = hashlib.sha256()
    for name in GOLD_STEPS:
        digest.update(sql_text("gold", name).encode())
    digest.update(sql_text("checks", "quality").encode())
    digest.update(repr((TABLES, [current_sql(view) for view in VIEWS], GOLD_KPIS)).encode())
    return digest.hexdigest()[:16]
