"""Carries out a request to capture again what waits in the on-failure queue of change capture."""

import os

from etl.aws import client
from etl.capture import dead_letters
from etl.capture.handler import handler
from etl.jobs.job_requests import Outcome
from etl.lake.config import required

SHOWN = 500  # characters of a result


def carry_out() -> Outcome:
    """Replay the queue `CDC_FAILURE_QUEUE_URL`; the request has failed if any message stays.

    Raises ConfigError without the settings of capture, and errors of AWS.
    """
    url, _ = required(os.environ, "CDC_FAILURE_QUEUE_URL", "CDC_STREAM")
    return outcome_of(dead_letters.replay(url, client("sqs"), client("dynamodbstreams"), handler))


def outcome_of(done: dead_letters.Replayed) -> Outcome:
    """Return a replay in words."""
    if not done.messages and not done.left:
        return Outcome("done", "the failure queue is empty")
    delivered = f"delivered {_count(done.records, 'record')} of {_count(done.messages, 'message')}"
    if not done.left:
        return Outcome("done", delivered)
    return Outcome("failed", f"{delivered}; {len(done.left)} left: {'; '.join(done.left)}"[:SHOWN])


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}{'' if number == 1 else 's'}"
