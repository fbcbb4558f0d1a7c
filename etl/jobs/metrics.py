"""Business metrics: on a schedule, the figures that Gold has just written become CloudWatch metrics.

Runs as the Lambda function `todo-custom-metrics`, with boto3 only.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from etl.aws import client
from etl.jobs import quality
from etl.lake import manifest
from etl.lake.config import required
from etl.lake.consumed_files import recent_entries
from etl.lake.layout import GOLD_KPIS
from etl.lake.storage import Bucket
from etl.log import log
from etl.redaction import errors_redacted

LISTED = 40_000
# By the metric's name in Gold: its name in CloudWatch, its unit, and the factor from Gold's unit to that one. Each
# metric costs money, so not every figure is here.
PUBLISHED = {
    "total_users": ("TotalUsers", "Count", 1),
    "active_users": ("ActiveUsers", "Count", 1),
    "dau": ("DailyActiveUsers", "Count", 1),
    "wau": ("WeeklyActiveUsers", "Count", 1),
    "total_tasks": ("TotalTasks", "Count", 1),
    "completed_tasks": ("CompletedTasks", "Count", 1),
    "pending_tasks": ("PendingTasks", "Count", 1),
    "in_progress_tasks": ("InProgressTasks", "Count", 1),
    "overdue_tasks": ("OverdueTasks", "Count", 1),
    "completion_rate": ("CompletionRate", "Percent", 100),
    "avg_tasks_per_user": ("AvgTasksPerUser", "None", 1),
}


@dataclass(frozen=True, slots=True)
class MetricsConfig:
    """Where the figures are and where the metrics go: buckets, CloudWatch namespace, stage."""

    bronze_bucket: str
    silver_bucket: str
    gold_bucket: str
    namespace: str
    environment: str


def metrics_config(environ: Mapping[str, str] = os.environ) -> MetricsConfig:
    """Read the settings from the environment; ConfigError names what is missing."""
    return MetricsConfig(
        *required(
            environ, "BRONZE_BUCKET", "SILVER_BUCKET", "GOLD_BUCKET", "METRICS_NAMESPACE", "ENVIRONMENT"
        )
    )


@errors_redacted
def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Lambda: publish the figures of the current snapshot, and what is wrong with the lake; return both."""
    return publish(metrics_config(), datetime.now(UTC))


def publish(config: MetricsConfig, now: datetime) -> dict[str, Any]:
    """Publish as `handler` does, at `now` (aware); a lake without a snapshot publishes nothing."""
    started = time.perf_counter()
    gold = Bucket(config.gold_bucket, client("s3"))
    found = gold.get_json(GOLD_KPIS)
    if found is None:
        log("metrics", "no snapshot has been published yet", level="WARNING", status="empty")
        return {"snapshot": None, "values": {}}
    kpis = found[0]
    figures = kpis["values"]
    values = {
        name: (figures[key] * factor, unit)
        for key, (name, unit, factor) in PUBLISHED.items()
        if key in figures
    }
    silver = Bucket(config.silver_bucket, client("s3"))
    values["GoldAgeSeconds"] = (age(config, datetime.fromisoformat(kpis["published_at"]), now), "Seconds")
    values["FailedChecks"] = (quality.failed(gold), "Count")
    values["QuarantinedRows"] = (manifest.load(silver).quarantined(), "Count")
    _put(config, values, now)
    plain = {name: value for name, (value, _) in values.items()}
    log("metrics", "published", duration_ms=(time.perf_counter() - started) * 1000, values=plain)
    return {"snapshot": kpis["snapshot"], "values": plain}


def age(config: MetricsConfig, published: datetime, now: datetime) -> float:
    """How long the oldest change that the figures lack has been waiting in Bronze (seconds); 0 where none waits.

    A night without changes makes no figure old, whenever it was published.
    """
    recent = recent_entries(Bucket(config.bronze_bucket, client("s3")), now)
    written = (entry["LastModified"] for entry in islice(recent, LISTED))
    oldest = min((at for at in written if at > published), default=now)
    return (now - oldest).total_seconds()


def _put(config: MetricsConfig, values: Mapping[str, tuple[float, str]], now: datetime) -> None:
    dimensions = [{"Name": "Environment", "Value": config.environment}]
    client("cloudwatch").put_metric_data(
        Namespace=config.namespace,
        MetricData=[
            {"MetricName": name, "Dimensions": dimensions, "Timestamp": now, "Value": value, "Unit": unit}
            for name, (value, unit) in values.items()
        ],
    )
