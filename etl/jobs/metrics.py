"""Business metrics: on a schedule, the figures of Gold become CloudWatch metrics. The table is never scanned.

Runs as the Lambda function `todo-custom-metrics`, with boto3 only.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from etl.aws import client
from etl.lake.config import required
from etl.lake.consumed_files import day_prefix
from etl.lake.layout import GOLD_CURRENT
from etl.lake.storage import Bucket
from etl.log import log

SQL = "SELECT metric, value FROM business_metrics_kpis"
POLL_SECONDS = 0.2
TIMEOUT_SECONDS = 45
LISTED = 20_000
RECENT_DAYS = 2
# By the metric's name in Gold: its name in CloudWatch, and its unit. Each costs money, so not every figure is here.
PUBLISHED = {
    "total_users": ("TotalUsers", "Count"),
    "active_users": ("ActiveUsers", "Count"),
    "dau": ("DailyActiveUsers", "Count"),
    "wau": ("WeeklyActiveUsers", "Count"),
    "total_tasks": ("TotalTasks", "Count"),
    "completed_tasks": ("CompletedTasks", "Count"),
    "pending_tasks": ("PendingTasks", "Count"),
    "in_progress_tasks": ("InProgressTasks", "Count"),
    "overdue_tasks": ("OverdueTasks", "Count"),
    "completion_rate": ("CompletionRate", "None"),
    "avg_tasks_per_user": ("AvgTasksPerUser", "None"),
}


class QueryError(RuntimeError):
    """Athena did not answer; the message is Athena's."""


@dataclass(frozen=True, slots=True)
class MetricsConfig:
    """Where the figures are and where the metrics go: buckets, Glue database, Athena workgroup, namespace, stage."""

    bronze_bucket: str
    gold_bucket: str
    database: str
    workgroup: str
    namespace: str
    environment: str


def metrics_config(environ: Mapping[str, str] = os.environ) -> MetricsConfig:
    """Read the settings from the environment; ConfigError names what is missing."""
    names = (
        "BRONZE_BUCKET",
        "GOLD_BUCKET",
        "GLUE_DATABASE",
        "ATHENA_WORKGROUP",
        "METRICS_NAMESPACE",
        "ENVIRONMENT",
    )
    return MetricsConfig(*required(environ, *names))


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Publish the figures of the current snapshot, and how old they are.

    Parameters
    ----------
    event, context
        Of the schedule; not used.

    Returns
    -------
    dict
        The snapshot and the published values by metric.

    Raises
    ------
    QueryError
        When Athena fails or takes longer than 45 s.
    """
    return publish(metrics_config(), datetime.now(UTC))


def publish(config: MetricsConfig, now: datetime) -> dict[str, Any]:
    """What `handler` does, at `now` (aware); a lake without a snapshot publishes nothing."""
    started = time.perf_counter()
    found = Bucket(config.gold_bucket, client("s3")).get_json(GOLD_CURRENT)
    if found is None:
        log("metrics", "no snapshot has been published yet", level="WARNING", status="empty")
        return {"snapshot": None, "values": {}}
    snapshot = found[0]
    figures = kpis(config)
    values = {name: (figures[key], unit) for key, (name, unit) in PUBLISHED.items() if key in figures}
    values["GoldAgeSeconds"] = (age(config, datetime.fromisoformat(snapshot["published_at"]), now), "Seconds")
    _put(config, values, now)
    plain = {name: value for name, (value, _) in values.items()}
    log("metrics", "published", duration_ms=(time.perf_counter() - started) * 1000, values=plain)
    return {"snapshot": snapshot["snapshot"], "values": plain}


def age(config: MetricsConfig, published: datetime, now: datetime) -> float:
    """How long the oldest change that the figures lack has been waiting in Bronze (seconds); 0 where none waits.

    A night without changes makes no figure old, whenever it was published.
    """
    bucket = Bucket(config.bronze_bucket, client("s3"))
    waiting = [
        written
        for back in range(RECENT_DAYS)
        for written in _written(bucket, (now - timedelta(days=back)).astimezone(UTC).date().isoformat())
        if written > published
    ]
    return (now - min(waiting)).total_seconds() if waiting else 0.0


def _written(bucket: Bucket, day: str) -> list[datetime]:
    pages = bucket.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, Prefix=day_prefix(day))
    entries = (entry for page in pages for entry in page.get("Contents", ()))
    return [entry["LastModified"] for entry in islice(entries, LISTED)]


def kpis(config: MetricsConfig) -> dict[str, float]:
    """The figures of `business_metrics_kpis` by name, through Athena; QueryError when there is no answer."""
    athena = client("athena")
    query = athena.start_query_execution(
        QueryString=SQL, WorkGroup=config.workgroup, QueryExecutionContext={"Database": config.database}
    )["QueryExecutionId"]
    _wait(athena, query)
    rows = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"][1:]
    cells = ([cell.get("VarCharValue") for cell in row["Data"]] for row in rows)
    return {metric: float(value) for metric, value in cells if value is not None}


def _wait(athena: Any, query: str) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        status = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        if status["State"] == "SUCCEEDED":
            return
        if status["State"] in {"FAILED", "CANCELLED"}:
            raise QueryError(f"{query}: {status.get('StateChangeReason', status['State'])}")
        time.sleep(POLL_SECONDS)
    athena.stop_query_execution(QueryExecutionId=query)
    raise QueryError(f"{query}: no answer within {TIMEOUT_SECONDS} s")


def _put(config: MetricsConfig, values: Mapping[str, tuple[float, str]], now: datetime) -> None:
    dimensions = [{"Name": "Environment", "Value": config.environment}]
    client("cloudwatch").put_metric_data(
        Namespace=config.namespace,
        MetricData=[
            {"MetricName": name, "Dimensions": dimensions, "Timestamp": now, "Value": value, "Unit": unit}
            for name, (value, unit) in values.items()
        ],
    )
