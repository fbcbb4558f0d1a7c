"""Which SQL files make the lake, in which order, and which parameters they take.

Any engine that can name a relation, run a statement and write Parquet can run these.
"""

import functools
import hashlib
from datetime import date, datetime
from pathlib import Path

from etl.lake.layout import GOLD_KPIS
from etl.lake.tables import GOLD, TABLES
from etl.log import iso

SQL = Path(__file__).parents[1] / "sql"

# The first reads `bronze`; the others read it, each other, `known_events` and `known_quarantine`.
SILVER_STAGING = ("parsed",)
SILVER = (*SILVER_STAGING, "task_events", "tasks", "users", "quarantine")
# Reads Silver's `task_events`, `tasks`, `users`. The first four are staging, kept nowhere.
GOLD_STAGING = ("changes", "calendar", "lives", "active_days")
GOLD_STEPS = (
    *GOLD_STAGING,
    # kpi_daily reads two of the others.
    *(table.name for table in GOLD if table.name != "kpi_daily"),
    "kpi_daily",
)

_DAY = "[12][0-9]{3}-[01][0-9]-[0-3][0-9]"
_CLOCK = "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{1,9})?"
# Texts on whose meaning all engines agree; what does not match is null or refused. Without an offset, UTC.
PATTERNS = {
    "timestamp_pattern": f"^{_DAY}[T ]{_CLOCK}(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?\\z",
    "date_pattern": f"^{_DAY}\\z",
    "integer_pattern": "^[0-9]{1,18}\\z",
    "sequence_pattern": "^[0-9]{1,40}\\z",
}


def silver_parameters() -> dict[str, str]:
    """Values of the placeholders in `sql/silver/`."""
    return dict(PATTERNS)


def gold_parameters(today: date, timezone: str) -> dict[str, str]:
    """Values of the placeholders in `sql/gold/`.

    Parameters
    ----------
    today
        Reporting date: what is due before it is overdue, active users count back from it.
    timezone
        IANA name: where reporting days begin and end.
    """
    return {"today": today.isoformat(), "timezone": timezone}


def restore_parameters(until: datetime) -> dict[str, str]:
    """Values of the placeholders in `sql/restore/`: the point in time, aware."""
    return PATTERNS | {"until": iso(until)}


@functools.cache
def sql_text(layer: str, name: str) -> str:
    """Text of `sql/<layer>/<name>.sql`."""
    return (SQL / layer / f"{name}.sql").read_text()


@functools.cache
def gold_definition() -> str:
    """Digest of everything that decides Gold's content but its input: a new one calls for a new snapshot."""
    digest = hashlib.sha256()
    for name in GOLD_STEPS:
        digest.update(sql_text("gold", name).encode())
    digest.update(sql_text("checks", "quality").encode())
    digest.update(repr((TABLES, GOLD_KPIS)).encode())
    return digest.hexdigest()[:16]
