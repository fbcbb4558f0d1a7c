"""What needs an operator: quarantined rows, failed checks, changes that were not captured, a capture that stands still.

The same as alarms tell of (``docs/runbooks/alarms.md``), for those who are in the admin.
"""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from etl.lake.config import ConfigError, lake_config
from etl.status import status
from todo_site.operations import aws, stream

KEPT_SECONDS = 60
QUEUED = "ApproximateNumberOfMessages"
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Need:
    """Something to look at: in words, and where."""

    text: str
    address: str


@dataclass(slots=True)
class _Last:
    at: float = float("-inf")
    found: tuple[tuple[str, int], ...] = ()


_last = _Last()


def needs(kept_seconds: float = 0) -> list[Need]:
    """Return what needs somebody now, or did when it was last looked at, up to so many seconds ago."""
    now = time.monotonic()
    if now - _last.at >= kept_seconds:
        _last.found, _last.at = tuple(_found()), now
    return [_TOLD[kind](number) for kind, number in _last.found]


def lately() -> list[Need]:
    """Return what needs somebody, for the navigation of every page: looked up once a minute."""
    return needs(KEPT_SECONDS)


def _found() -> Iterator[tuple[str, int]]:
    """Yield (kind, number). About eight small Queries and a dozen other requests."""
    try:
        found = status.read(lake_config(), aws.client("s3"))
        capture = stream.position(found.last_delivery)
        numbers = {
            "quarantined": found.quarantined,
            "failed": found.failed,
            "stalled": int(capture.lag_seconds or 0) if capture.stands_still else 0,
            "queued": _queued(),
        }
    except ConfigError:
        return
    except Exception:  # noqa: BLE001  whatever is stored or answered, the pages are shown
        _log.exception("The state of the lake cannot be read")
        numbers = {"unknown": 1}
    yield from ((kind, number) for kind, number in numbers.items() if number)


def _queued() -> int:
    url = settings.CDC_FAILURE_QUEUE_URL
    if not url:
        return 0
    found = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[QUEUED])
    return int(found["Attributes"][QUEUED])


def _pipeline(text: str) -> Need:
    return Need(text, reverse("admin:pipeline"))


def _quarantined(number: int) -> Need:
    text = ngettext(
        "%(number)s change waits in quarantine.", "%(number)s changes wait in quarantine.", number
    )
    address = f"{reverse('admin:insights_quarantinedevent_changelist')}?state__exact=open"
    return Need(text % {"number": number}, address)


def _failed(number: int) -> Need:
    text = ngettext(
        "%(number)s quality check was not passed: the newest figures are not shown.",
        "%(number)s quality checks were not passed: the newest figures are not shown.",
        number,
    )
    return _pipeline(text % {"number": number})


def _waiting(number: int) -> Need:
    text = ngettext(
        "%(number)s message waits in the failure queue.",
        "%(number)s messages wait in the failure queue.",
        number,
    )
    return _pipeline(text % {"number": number})


def _stalled(seconds: int) -> Need:
    minutes = seconds // 60
    text = ngettext(
        "Change capture stands still: a change has waited for %(number)s minute.",
        "Change capture stands still: a change has waited for %(number)s minutes.",
        minutes,
    )
    return _pipeline(text % {"number": minutes})


_TOLD: dict[str, Callable[[int], Need]] = {
    "quarantined": _quarantined,
    "failed": _failed,
    "queued": _waiting,
    "stalled": _stalled,
    "unknown": lambda number: _pipeline(_("The state of the lake cannot be read.")),
}
