"""How far change capture is behind the table's stream, as CloudWatch knows it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

_CONFIG = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 1})
WINDOW = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Position:
    """Age of the oldest change not yet delivered (seconds), None if nobody has reported it lately."""

    lag_seconds: float | None
    note: str


def position() -> Position:
    """Return how far capture is behind."""
    make: Any = boto3.client
    now = datetime.now(UTC)
    try:
        points = make("cloudwatch", config=_CONFIG).get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName="IteratorAge",
            Dimensions=[{"Name": "FunctionName", "Value": settings.CAPTURE_FUNCTION}],
            StartTime=now - WINDOW,
            EndTime=now,
            Period=60,
            Statistics=["Maximum"],
        )["Datapoints"]
    except (BotoCoreError, ClientError) as error:
        return Position(None, f"CloudWatch does not answer: {error}")
    if not points:
        return Position(None, "not reported in the last hour")
    latest = max(points, key=lambda point: point["Timestamp"])
    return Position(latest["Maximum"] / 1000, f"at {latest['Timestamp']:%H:%M} UTC")
