"""From one task's needs to a month's bill, service by service."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from todo_site.costs.measured import Measured, Step

MONTH_SECONDS = 30 * 24 * 3600
GB = 1e9


@dataclass(frozen=True, slots=True)
class Habits:
    """What people do in a month; estimates, each an option of the command.

    Parameters
    ----------
    active
        Share of the users who come at all.
    tasks, updates, deletes, reads
        Tasks an active user creates; then for each task, changes, removals, and pages or lists read.
    kept_months
        How long what was written stays.
    """

    active: float = 0.3
    tasks: float = 20
    updates: float = 3
    deletes: float = 0.2
    reads: float = 10
    kept_months: float = 12


# USD, us-east-1, list prices without free tiers. Change them here when AWS does.
WRITE_UNIT, READ_UNIT = 0.625e-6, 0.125e-6
TABLE_GB, RECOVERY_GB = 0.25, 0.20
LAMBDA_CALL, ARM_GB_SECOND = 0.20e-6, 0.0000133334
FIREHOSE_GB = 0.029 + 0.018 + 0.020  # ingestion, conversion to Parquet, dynamic partitioning
FIREHOSE_OBJECT = 0.005e-3
FIREHOSE_LEAST_BYTES = 5000  # each record is billed as a multiple of it
S3_GB, S3_PUT = 0.023, 0.005e-3
ATHENA_TB, ATHENA_LEAST_BYTES = 5.0, 10e6
GLUE_DPU_HOUR = 0.44
LOG_GB, METRIC, ALARM, DASHBOARD = 0.50, 0.30, 0.10, 3.0
KEY, SECRET, STATE_TRANSITION = 1.0, 0.40, 25e-6
API_CALLS = ((333e6, 3.50e-6), (667e6, 2.80e-6), (19e9, 2.38e-6), (math.inf, 1.51e-6))
# Cognito Lite, which has all that the pages use.
ACTIVE_USERS = ((10e3, 0.0), (90e3, 0.0055), (900e3, 0.0046), (9e6, 0.00325), (math.inf, 0.0025))

# Lambda gives 1,769 MB one processor; the web function has 1,024 MB.
WEB_GB, WEB_PROCESSORS = 1.0, 1024 / 1769
CALL_SECONDS = 0.005  # of waiting for one call to DynamoDB
PAGE_CPU_SECONDS = 0.004  # of Django and Zappa around the domain, as bench/ measures it
LOG_BYTES = 600
PARQUET_SHARE = 0.15  # of a change's JSON that is left in Snappy Parquet
LAKE_GB, LAKE_BASE_SECONDS, LAKE_SECONDS_PER_EVENT = 3.0, 4.0, 14 / 2e6
EMBEDDED_EVENTS = 20e6  # more history than this, and Gold is Spark's
SPARK_DPU_HOURS_PER_EVENT = 80 / 3600 / 2 / 2e6  # two processors needed 80 s for 2 million; a DPU has four
ALARMS, METRICS = 34, 15
VIEW_QUERIES, VIEW_BYTES_PER_EVENT = 12, 102  # bench/scale.py: 416 GiB of 4.38 billion events
LAKE_RUNS = MONTH_SECONDS / 300


@dataclass(frozen=True, slots=True)
class Volume:
    """What a number of users makes of the habits, in a month."""

    users: float
    active: float
    tasks: float
    changes: float
    requests: float
    history: float


def volume(users: float, habits: Habits) -> Volume:
    """Return the month's numbers."""
    active = users * habits.active
    tasks = active * habits.tasks
    changes = tasks * (1 + habits.updates + 2 * habits.deletes)  # a removal is a move: two changes
    requests = tasks * (1 + habits.updates + habits.deletes + habits.reads)
    return Volume(users, active, tasks, changes, requests, changes * habits.kept_months)


def bill(users: float, habits: Habits, needs: Measured) -> dict[str, float]:
    """Return USD a month by service."""
    month = volume(users, habits)
    return {
        "Cognito": tiers(month.active, ACTIVE_USERS),
        "API Gateway": tiers(month.requests, API_CALLS),
        "Lambda (web)": _web(month, habits, needs),
        "DynamoDB": _table(month, habits, needs),
        "Capture and Firehose": _delivery(month, needs),
        "S3": _storage(month, needs),
        "Lake (Lambda or Glue)": _lake(month),
        "Athena": _athena(month),
        "CloudWatch": _monitoring(month),
        "KMS, Secrets Manager": KEY + SECRET,
    }


def tiers(amount: float, prices: Sequence[tuple[float, float]]) -> float:
    """Price of an amount, each tier (`size, price`) filled before the next."""
    cost = 0.0
    for size, price in prices:
        part = min(amount, size)
        cost, amount = cost + part * price, amount - part
    return cost


def _each(habits: Habits, needs: Measured) -> list[tuple[float, Step]]:
    """How often each operation happens for one task."""
    often = (1.0, habits.updates, habits.deletes, habits.reads)
    return list(zip(often, (needs.create, needs.update, needs.delete, needs.read), strict=True))


def _web(month: Volume, habits: Habits, needs: Measured) -> float:
    seconds = sum(
        often * ((step.cpu_ms / 1000 + PAGE_CPU_SECONDS) / WEB_PROCESSORS + step.calls * CALL_SECONDS)
        for often, step in _each(habits, needs)
    )
    return month.requests * LAMBDA_CALL + month.tasks * seconds * WEB_GB * ARM_GB_SECOND


def _table(month: Volume, habits: Habits, needs: Measured) -> float:
    units = sum(
        often * (step.write_units * WRITE_UNIT + step.read_units * READ_UNIT)
        for often, step in _each(habits, needs)
    )
    stored = month.tasks * habits.kept_months * needs.stored_bytes / GB
    return month.tasks * units + stored * (TABLE_GB + RECOVERY_GB)


def _delivery(month: Volume, needs: Measured) -> float:
    billed = math.ceil(needs.change_bytes / FIREHOSE_LEAST_BYTES) * FIREHOSE_LEAST_BYTES
    lines = month.requests * FIREHOSE_LEAST_BYTES / GB * 0.029  # the request log takes the same way
    calls = min(month.changes, MONTH_SECONDS / 5 + month.changes / 500)
    return (
        month.changes * billed / GB * FIREHOSE_GB
        + lines
        + _objects(month) * FIREHOSE_OBJECT
        + calls * (LAMBDA_CALL + 0.5 * 0.1 * ARM_GB_SECOND)
    )


def _objects(month: Volume) -> float:
    """Files in Bronze: one a minute and bucket, at most one a change."""
    return min(month.changes, MONTH_SECONDS / 60 * 16)


def _storage(month: Volume, needs: Measured) -> float:
    kept = month.history * needs.change_bytes * PARQUET_SHARE * 3 / GB  # three layers, each about as large
    return kept * S3_GB + (_objects(month) + LAKE_RUNS * 40) * S3_PUT


def _embedded(month: Volume) -> bool:
    return month.history <= EMBEDDED_EVENTS


def _publications(month: Volume) -> float:
    """How often Gold is rebuilt: whenever something is new, or each hour with Spark."""
    return min(LAKE_RUNS, month.changes) if _embedded(month) else MONTH_SECONDS / 3600


def _lake(month: Volume) -> float:
    runs = _publications(month)
    if _embedded(month):
        seconds = runs * (LAKE_BASE_SECONDS + month.history * LAKE_SECONDS_PER_EVENT)
        return seconds * LAKE_GB * ARM_GB_SECOND + runs * 4 * STATE_TRANSITION
    return runs * max(2 / 60 * 2, month.history * SPARK_DPU_HOURS_PER_EVENT) * GLUE_DPU_HOUR


def _athena(month: Volume) -> float:
    """The view of the dashboard that each publication asks for, so that its answers are kept."""
    view = max(VIEW_QUERIES * ATHENA_LEAST_BYTES, month.history * VIEW_BYTES_PER_EVENT)
    return _publications(month) * view / 1e12 * ATHENA_TB


def _monitoring(month: Volume) -> float:
    return month.requests * LOG_BYTES / GB * LOG_GB + METRICS * METRIC + ALARMS * ALARM + DASHBOARD
