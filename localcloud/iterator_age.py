"""The metric ``IteratorAge`` of change capture, which AWS publishes for every event source mapping that reads a stream.

It is the age of the last record of a batch when the function is given it, in milliseconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from etl.lake.catalog import CAPTURE_FUNCTION
from etl.log import log
from localcloud.delivery import Handler

NAMESPACE, METRIC = "AWS/Lambda", "IteratorAge"
# AWS keeps minutes; their maximum needs no more.
PAUSE_SECONDS = 1.0


class IteratorAge:
    """Publishes the age of what a function is given: at least a value a second, more if it grows faster.

    Parameters
    ----------
    cloudwatch
        boto3 client.
    clock
        Epoch seconds.
    """

    def __init__(self, cloudwatch: Any, clock: Callable[[], float] = time.time) -> None:
        self.cloudwatch, self.clock = cloudwatch, clock
        self._at, self._age = 0.0, 0.0

    def of(self, handler: Handler) -> Handler:
        """Return the handler, measured."""

        def measured(event: dict[str, Any], context: Any) -> Any:
            created = event["Records"][-1]["dynamodb"].get("ApproximateCreationDateTime")
            if created is not None:
                self._note(created)
            return handler(event, context)

        return measured

    def _note(self, created: float) -> None:
        now = self.clock()
        age = max(0.0, (now - created) * 1000)
        if now - self._at >= PAUSE_SECONDS or age > self._age:
            self._at, self._age = now, age
            self._publish(now, age)

    def _publish(self, now: float, age: float) -> None:
        value = {
            "MetricName": METRIC,
            "Dimensions": [{"Name": "FunctionName", "Value": CAPTURE_FUNCTION}],
            "Timestamp": datetime.fromtimestamp(now, UTC),
            "Value": age,
            "Unit": "Milliseconds",
        }
        try:
            self.cloudwatch.put_metric_data(Namespace=NAMESPACE, MetricData=[value])
        except (BotoCoreError, ClientError) as error:  # a metric must not stop what it measures
            log("capture.age", "not published", level="WARNING", status="retry", error=str(error))
