"""The lag of change capture behind the table's stream."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.utils.translation import gettext as _

from tasks.admin.models import Task
from todo_site.operations.aws import client

WINDOW = timedelta(hours=1)
# S3 rounds times down to whole seconds.
TOLERANCE = timedelta(seconds=1)
# Capture waits 5 s for a full batch and Firehose 60 s for a full file; with a retry or two it is still well.
MAX_LAG_SECONDS = 180
UNREADABLE = 5  # tasks that are looked at for one that can be read


@dataclass(frozen=True, slots=True)
class Position:
    """Age of the oldest undelivered change (seconds): 0 if there is none, None if it is unknown."""

    lag_seconds: float | None
    note: str

    @property
    def stands_still(self) -> bool:
        """Whether capture is further behind than it can be while it works."""
        return self.lag_seconds is not None and self.lag_seconds > MAX_LAG_SECONDS


def position(last_delivery: datetime | None, now: datetime | None = None) -> Position:
    """Return how far capture is behind.

    A capture that has stopped reports nothing, so this checks two things: the age of the changes that the function last
    received (the metric ``IteratorAge``), and whether the newest task has arrived in Bronze.

    Parameters
    ----------
    last_delivery
        When Bronze was last written (aware).
    now
        The time (aware); the clock's by default.
    """
    moment = now or datetime.now(UTC)
    newest = newest_change(moment)
    if newest and (last_delivery is None or newest > last_delivery + TOLERANCE):
        waiting = max(0.0, (moment - newest).total_seconds())
        return Position(waiting, _("A task created at %(time)s is not in Bronze yet.") % _clock(newest))
    try:
        reported = iterator_age(moment)
    except (BotoCoreError, ClientError) as error:
        return Position(None, _("CloudWatch does not answer: %(error)s") % {"error": error})
    if reported:
        at, seconds = reported
        return Position(seconds, _("For the changes delivered at %(time)s.") % _clock(at))
    return (
        Position(0.0, _("Nothing changed in the last hour.")) if newest else Position(None, _("No task yet."))
    )


def _clock(moment: datetime) -> dict[str, str]:
    return {"time": f"{moment.astimezone(UTC):%H:%M:%S} UTC"}


def newest_change(now: datetime) -> datetime | None:
    """Return when the newest task was created, up to ``now``. One small Query per shard of the feed."""
    tasks: Any = Task
    found = tasks.objects.filter(created_at__lte=now).page(None, UNREADABLE).objects
    return next((task.created_at for task in found if task.created_at), None)


def iterator_age(now: datetime) -> tuple[datetime, float] | None:
    """Return when capture last received changes (to the minute), and their age (seconds); None if not in ``WINDOW``.

    Raises BotoCoreError, ClientError.
    """
    points = client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="IteratorAge",
        Dimensions=[{"Name": "FunctionName", "Value": settings.CAPTURE_FUNCTION}],
        StartTime=now - WINDOW,
        EndTime=now + timedelta(minutes=1),
        Period=60,
        Statistics=["Maximum"],
    )["Datapoints"]
    if not points:
        return None
    latest = max(points, key=lambda point: point["Timestamp"])
    return latest["Timestamp"], latest["Maximum"] / 1000
