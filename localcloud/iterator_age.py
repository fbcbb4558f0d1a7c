"""The metric ``IteratorAge`` of change capture, which AWS publishes for event source mappings that read a stream.

It is the age of a batch's last record, in milliseconds, when the function receives it.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from etl.lake.catalog import CAPTURE_FUNCTION
from etl.log import log
from localcloud.event_source_mapping import Handler

NAMESPACE, METRIC = "AWS/Lambda", "IteratorAge"
# Enough for the maximum of each minute, which is all that AWS keeps.
PAUSE_SECONDS = 1.0


class IteratorAge:
    """Publishes the age of a function's batches: once a second, and whenever it has grown.

    Parameters
    ----------
    cloudwatch
        boto3 client.
    clock
        Returns epoch seconds.
    """

    def __init__(self, cloudwatch: Any, clock: Callable[[], float] = time.time) -> None:
        self.cloudwatch, self.clock = cloudwatch, clock
        self._at, self._age = 0.0, 0.0

    def of(self, handler: Handler) -> Handler:
        """Return a handler that publishes the age of each batch before it calls ``handler``."""

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
        except (BotoCoreError, ClientError) as error:  # a failing metric must not stop capture
            log("capture.age", "not published", level="WARNING", status="retry", error=str(error))
