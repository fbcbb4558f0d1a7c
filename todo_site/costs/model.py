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
    visits
        How often an active user's browser loads the static files anew: on a new device, or after a release.
    """

    active: float = 0.3
    tasks: float = 20
    updates: float = 3
    deletes: float = 0.2
    reads: float = 10
    kept_months: float = 12
    visits: float = 2


# USD, us-east-1, list prices as of 2026-11-30, from https://aws.amazon.com/SERVICE/pricing/. Change them here when AWS
# does. Free tiers are left out, except those of CloudFront and Cognito, which do not end.
WRITE_UNIT, READ_UNIT = 0.625e-6, 0.125e-6
TABLE_GB, RECOVERY_GB = 0.25, 0.20
LAMBDA_CALL, ARM_GB_SECOND = 0.20e-6, 0.0000133334
FIREHOSE_GB, CONVERSION_GB, PARTITIONING_GB, DECOMPRESSION_GB = 0.029, 0.018, 0.020, 0.00325
FIREHOSE_OBJECT = 0.005e-3
# AWS's own example of dynamic partitioning: 70 hours of JQ for 742 GB a month.
JQ_HOUR, JQ_HOURS_PER_GB = 0.07, 70 / 742
FIREHOSE_LEAST_BYTES = 5000  # each record is billed as a multiple of it
S3_GB, S3_PUT = 0.023, 0.005e-3
ATHENA_TB, ATHENA_LEAST_BYTES = 5.0, 10e6
GLUE_DPU_HOUR = 0.44
# Sending log lines on to Firehose costs nothing here; Firehose's row has what it costs there.
LOG_GB, METRIC, ALARM_METRIC, DASHBOARD = 0.50, 0.30, 0.10, 3.0
BUDGET = 0.0  # without actions
KEY, SECRET, STATE_TRANSITION = 1.0, 0.40, 25e-6
KMS_CALL, SECRET_CALL = 0.03 / 10e3, 0.05 / 10e3
API_CALLS = ((333e6, 3.50e-6), (667e6, 2.80e-6), (19e9, 2.38e-6), (math.inf, 1.51e-6))
# CloudFront in North America and Europe. All answers leave through it, so nothing else is paid for egress: what AWS
# services send to CloudFront is free, and 100 GB a month that leave in another way are free as well.
EGRESS_GB = (
    *((1e3, 0.0), (9e3, 0.085), (40e3, 0.080), (100e3, 0.060)),
    *((350e3, 0.040), (524e3, 0.030), (4e6, 0.025), (math.inf, 0.020)),
)
CLOUDFRONT_CALLS = ((10e6, 0.0), (math.inf, 1.0e-6))
# Cognito Lite, which has all that the pages use.
ACTIVE_USERS = ((10e3, 0.0), (90e3, 0.0055), (900e3, 0.0046), (9e6, 0.00325), (math.inf, 0.0025))

# Lambda gives 1,769 MB one processor; the web function has 1,024 MB.
WEB_GB, WEB_PROCESSORS = 1.0, 1024 / 1769
CALL_SECONDS = 0.005  # of waiting for one call to DynamoDB
PAGE_CPU_SECONDS = 0.004  # of Django and Zappa around the domain, as bench/ measures it
ANSWER_BYTES = 4000  # of a page or a list, compressed
STATIC_FILES, STATIC_BYTES = 12, 100e3  # of one visit without a browser's cache, compressed; no charts
LOG_BYTES = 600
LINES_A_RECORD = 5  # of the log in one record that CloudWatch sends to Firehose
PARQUET_SHARE = 0.15  # of a change's JSON that is left in Snappy Parquet
LAKE_GB, LAKE_BASE_SECONDS, LAKE_SECONDS_PER_EVENT = 3.0, 4.0, 14 / 2e6
EMBEDDED_EVENTS = 2e6  # of history: measured to fit into the function (docs/benchmarks.md); more is Spark's
SPARK_DPU_HOURS_PER_EVENT = 80 / 3600 / 2 / 2e6  # two processors needed 80 s for 2 million; a DPU has four
JOB_DPU_HOURS = 2.0  # that a Glue job can use before it is stopped: two workers, an hour
UPKEEP_SECONDS = 10  # of the function that erases and tidies before each run on Glue
ALARM_METRICS, METRICS = 49, 18  # an alarm is billed by the metrics in it
SECRET_CALLS = 30  # one a deployment
KMS_CALLS = 20e3  # DynamoDB asks for the table's key every five minutes and process
QUERY_BYTES_PER_EVENT = 33  # of the largest question of the dashboard: 134.6 GiB of 4.38 billion events
SCAN_LIMIT_BYTES = 10 * 1024**3  # at which the workgroup cancels a query
VIEW_QUERIES, VIEW_BYTES_PER_EVENT = 12, 102  # bench/scale.py: 416 GiB of 4.38 billion events
LAKE_RUNS = MONTH_SECONDS / 300
TRANSITIONS = 7  # of the state machine in one run


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
        "CloudFront": _edge(month, habits),
        "API Gateway": tiers(month.requests, API_CALLS),
        "Lambda (web)": _web(month, habits, needs),
        "DynamoDB": _table(month, habits, needs),
        "Capture and Firehose": _delivery(month, needs),
        "S3": _storage(month, needs),
        "Lake (Lambda or Glue)": _lake(month),
        "Athena": _athena(month),
        "CloudWatch": _monitoring(month),
        "KMS, Secrets Manager": KEY + SECRET + KMS_CALLS * KMS_CALL + SECRET_CALLS * SECRET_CALL,
    }


def unserved(users: float, habits: Habits) -> list[str]:
    """Say what a deployment as it is cannot do with so many users, although the bill has a price for it."""
    month, said = volume(users, habits), []
    if not _embedded(month):
        said.append(f"{month.history:,.0f} events are more than the function holds: set the engine to glue.")
    if month.history * SPARK_DPU_HOURS_PER_EVENT > JOB_DPU_HOURS:
        hours = month.history * SPARK_DPU_HOURS_PER_EVENT
        said.append(
            f"Gold takes {hours:,.1f} DPU-hours a run, and a job has {JOB_DPU_HOURS:g}: more workers."
        )
    if month.history * QUERY_BYTES_PER_EVENT > SCAN_LIMIT_BYTES:
        gigabytes = month.history * QUERY_BYTES_PER_EVENT / 1024**3
        said.append(
            f"A question of the dashboard reads {gigabytes:,.0f} GiB; Athena's workgroup stops at 10."
        )
    return said


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


def _edge(month: Volume, habits: Habits) -> float:
    """Requests and egress, static files included."""
    loads = month.active * habits.visits
    sent = month.requests * ANSWER_BYTES + loads * STATIC_BYTES
    return tiers(month.requests + loads * STATIC_FILES, CLOUDFRONT_CALLS) + tiers(sent / GB, EGRESS_GB)


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
    billed = month.changes * math.ceil(needs.change_bytes / FIREHOSE_LEAST_BYTES) * FIREHOSE_LEAST_BYTES / GB
    delivered = month.changes * needs.change_bytes / GB
    calls = min(month.changes, MONTH_SECONDS / 5 + month.changes / 500)
    return (
        billed * (FIREHOSE_GB + CONVERSION_GB)
        + delivered * (PARTITIONING_GB + JQ_HOURS_PER_GB * JQ_HOUR)
        + _objects(month) * FIREHOSE_OBJECT
        + calls * (LAMBDA_CALL + 0.5 * 0.1 * ARM_GB_SECOND)
        + _log_delivery(month)
    )


def _log_delivery(month: Volume) -> float:
    """The request log takes the same way, compressed by CloudWatch and unpacked by Firehose."""
    records = month.requests / LINES_A_RECORD
    unpacked = month.requests * LOG_BYTES / GB
    ingested = (
        records * math.ceil(LINES_A_RECORD * LOG_BYTES / FIREHOSE_LEAST_BYTES) * FIREHOSE_LEAST_BYTES / GB
    )
    return ingested * FIREHOSE_GB + unpacked * (DECOMPRESSION_GB + CONVERSION_GB)


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
        return seconds * LAKE_GB * ARM_GB_SECOND + LAKE_RUNS * TRANSITIONS * STATE_TRANSITION
    spark = max(2 / 60 * 2, month.history * SPARK_DPU_HOURS_PER_EVENT) * GLUE_DPU_HOUR
    upkeep = UPKEEP_SECONDS * LAKE_GB * ARM_GB_SECOND
    return runs * (spark + upkeep + (TRANSITIONS + 1) * STATE_TRANSITION)


def _athena(month: Volume) -> float:
    """The view of the dashboard that each publication asks for, so that its answers are kept."""
    view = max(VIEW_QUERIES * ATHENA_LEAST_BYTES, month.history * VIEW_BYTES_PER_EVENT)
    return _publications(month) * view / 1e12 * ATHENA_TB


def _monitoring(month: Volume) -> float:
    logs = month.requests * LOG_BYTES / GB * LOG_GB
    return logs + METRICS * METRIC + ALARM_METRICS * ALARM_METRIC + DASHBOARD + BUDGET
