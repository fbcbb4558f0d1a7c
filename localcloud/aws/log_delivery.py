"""Subscriptions of CloudWatch Logs that deliver to Firehose.

Hole closed: ministack stores such a subscription and delivers nothing, and reads a filter pattern as a list of words.
Lines wait in memory for a second, so that one object in S3 holds the lines of several requests; AWS waits longer.
"""

import asyncio
import base64
import gzip
import json
import queue
import time
import uuid
from collections.abc import Callable
from typing import Any

from ministack import app as ministack_app
from ministack.core.responses import get_account_id
from ministack.services import cloudwatch_logs
from ministack.services import firehose as ministack_firehose

from localcloud.aws import firehose
from localcloud.aws.decisions import AccessDenied, role_must, tell
from localcloud.aws.environment import LOOPBACK
from localcloud.filter_pattern import matches

ROUND_SECONDS = 1.0
MAX_LINES = 500
PUT_RECORDS = ["firehose:PutRecord", "firehose:PutRecordBatch"]
Events = list[dict[str, Any]]
_waiting: queue.SimpleQueue[tuple[dict[str, Any], str, str, Events]] = queue.SimpleQueue()


def install() -> None:
    """Patch how log events reach subscriptions."""
    others: Callable[[str, str, Events], None] = cloudwatch_logs._fanout_to_subscription_filters

    def fan_out(group: str, stream: str, events: Events) -> None:
        others(group, stream, events)
        filters = (cloudwatch_logs._log_groups.get(group) or {}).get("subscriptionFilters") or {}
        for each in filters.values():
            if ":deliverystream/" in each.get("destinationArn", ""):
                found = [event for event in events if matches(each["filterPattern"], event["message"])]
                if found:
                    _waiting.put((each, group, stream, found))

    cloudwatch_logs._fanout_to_subscription_filters = fan_out


async def run() -> None:
    """Deliver what waits, until cancelled."""
    while True:
        await asyncio.sleep(ROUND_SECONDS)
        await deliver()


async def deliver() -> None:
    """Deliver what waits now. No request is at hand, whose transport the buckets' policies would ask for."""
    ministack_app.pin_request_origin(LOOPBACK, True)
    batches: dict[tuple[str, str, str], tuple[dict[str, Any], Events]] = {}
    while not _waiting.empty():
        each, group, stream, events = _waiting.get()
        batches.setdefault((each["filterName"], group, stream), (each, []))[1].extend(events)
    for (_, group, stream), (each, events) in batches.items():
        if not _is_there(each, group):
            continue  # removed since, perhaps with its role and its stream
        for start in range(0, len(events), MAX_LINES):
            await _put(each, _envelope(each, group, stream, events[start : start + MAX_LINES]))


def _is_there(subscription: dict[str, Any], group: str) -> bool:
    filters = (cloudwatch_logs._log_groups.get(group) or {}).get("subscriptionFilters") or {}
    return subscription.get("filterName", "") in filters


async def _put(subscription: dict[str, Any], record: bytes) -> None:
    arn = subscription["destinationArn"]
    try:
        role_must(subscription.get("roleArn", ""), "logs.amazonaws.com", PUT_RECORDS, arn, "log subscription")
    except AccessDenied:
        return  # the refusal is logged; AWS drops the lines
    stream = ministack_firehose._streams.get(arn.rpartition("/")[2])
    data = {"Record": {"Data": base64.b64encode(record).decode()}}
    status, _, body = (404, {}, b"") if stream is None else await firehose.put("PutRecord", stream, data)
    if status != 200:
        tell(f"log lines not delivered to {arn}: {status} {body!r}")


def _envelope(subscription: dict[str, Any], group: str, stream: str, events: Events) -> bytes:
    """Return the record that CloudWatch Logs puts into Firehose for lines of one log stream."""
    now = round(time.time() * 1000)
    content = {
        "messageType": "DATA_MESSAGE",
        "owner": get_account_id(),
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": [subscription.get("filterName", "")],
        "logEvents": [
            {"id": uuid.uuid4().hex, "timestamp": event.get("timestamp", now), "message": event["message"]}
            for event in events
        ],
    }
    return gzip.compress(json.dumps(content).encode())
