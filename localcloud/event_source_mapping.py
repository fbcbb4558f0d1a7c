"""Delivers ordered batches of stream records to a handler with the semantics of a Lambda event source mapping.

At least once and in order: a batch that fails is sent again from its first unprocessed record on. With
``ReportBatchItemFailures`` the lowest reported sequence number says where that is; an exception, or an answer that
names no record of the batch, fails the whole batch. A failed batch is bisected until the record to blame stands
alone; that one is retried with growing pauses and then given to the on-failure destination, and the rest goes on.
"""

from __future__ import annotations

import threading
import time
import traceback
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from etl.log import log

Record = dict[str, Any]
Handler = Callable[[dict[str, Any], Any], Any]
OPERATION = "capture.deliver"
FUNCTION = "todo-cdc-processor"


@dataclass(frozen=True, slots=True)
class Policy:
    """How often a failing record is sent again, and the pauses between (seconds, doubling)."""

    retries: int = 10
    first_pause: float = 0.2
    longest_pause: float = 5.0

    def pause(self, attempt: int) -> float:
        """Return the pause in seconds before retry number ``attempt`` (from 1)."""
        return min(self.first_pause * 2.0 ** (attempt - 1), self.longest_pause)


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """What Lambda hands a function beside its event; the names are Lambda's."""

    function_name: str = FUNCTION
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "512"
    invoked_function_arn: str = f"arn:aws:lambda:us-east-1:000000000000:function:{FUNCTION}"
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    deadline: float = field(default_factory=lambda: time.monotonic() + 60)

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the function may still run, in milliseconds."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that was given up: how often it was sent and what the last answer was."""

    record: Record
    attempts: int
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a batch went: its first ``done`` records are processed; ``blames_next``: the one after them is at fault."""

    done: int
    reason: str = ""
    blames_next: bool = False


class Stopped(Exception):  # noqa: N818  it is a request, not an error
    """The driver was told to stop while a batch was under way; what is not acknowledged comes again."""


class Delivery:
    """Sends batches to ``handler``; ``discard`` receives the records that it never accepts.

    Parameters
    ----------
    handler
        ``handler(event, context)`` as Lambda calls it; answers None or ``{"batchItemFailures": [...]}``.
    discard
        Called with a Failure; must not return before the record is safe elsewhere. Its exceptions are retried.
    stop
        Set by whoever wants deliveries to end; a pause is cut short and Stopped raised.
    """

    def __init__(
        self,
        handler: Handler,
        discard: Callable[[Failure], None],
        stop: threading.Event,
        policy: Policy | None = None,
    ) -> None:
        self.handler, self.discard, self.stop = handler, discard, stop
        self.policy = policy or Policy()

    def deliver(self, records: Sequence[Record], advance: Callable[[str], None]) -> None:
        """Deliver ``records`` in order; returns when each was accepted or discarded.

        ``advance`` is called with the sequence number up to which everything is settled, each time it grows.
        Raises Stopped when told to stop in between.
        """
        pending = deque([list(records)] if records else [])
        attempts = 0
        while pending:
            batch = pending.popleft()
            outcome = self._invoke(batch)
            if outcome.done:
                advance(sequence_number(batch[outcome.done - 1]))
                attempts = 0
            rest = batch[outcome.done :]
            if len(rest) == 1:
                attempts += 1
                if self._give_up(Failure(rest[0], attempts, outcome.reason)):
                    advance(sequence_number(rest[0]))
                    attempts, rest = 0, []
            cut = 1 if outcome.blames_next else max(1, len(rest) // 2)
            pending.extendleft(part for part in (rest[cut:], rest[:cut]) if part)

    def _invoke(self, batch: list[Record]) -> Outcome:
        try:
            answer = self.handler({"Records": batch}, LambdaContext())
            failed = _failed_identifiers(answer)
        except Exception as error:  # noqa: BLE001  a handler may raise anything; Lambda reports it, and so do we
            log(
                OPERATION,
                "the handler failed",
                level="WARNING",
                status="retry",
                records=len(batch),
                error=traceback.format_exc(),
            )
            return Outcome(0, f"{type(error).__name__}: {error}")
        if not failed:
            return Outcome(len(batch))
        numbers = [sequence_number(record) for record in batch]
        if unknown := failed.difference(numbers):
            return Outcome(0, f"the handler reported unknown records: {sorted(map(str, unknown))[:3]}")
        lowest = min(map(numbers.index, failed))
        return Outcome(lowest, "the handler reported the record in batchItemFailures", blames_next=True)

    def _give_up(self, failure: Failure) -> bool:
        """Wait before the next attempt and return False, or discard the record and return True."""
        if failure.attempts <= self.policy.retries:
            self._pause(self.policy.pause(failure.attempts))
            return False
        tries = 0
        while True:
            try:
                self.discard(failure)
            except Exception:  # noqa: BLE001  the record must not be lost: keep trying until it is safe
                tries += 1
                log(
                    OPERATION,
                    "the on-failure destination refused a record",
                    level="ERROR",
                    status="retry",
                    error=traceback.format_exc(),
                )
                self._pause(self.policy.pause(tries))
            else:
                return True

    def _pause(self, seconds: float) -> None:
        if self.stop.wait(seconds):
            raise Stopped


def sequence_number(record: Record) -> str:
    """Return the sequence number of a Lambda-shaped stream record."""
    return str(record["dynamodb"]["SequenceNumber"])


def _failed_identifiers(answer: Any) -> set[Any]:
    """Return what the handler's answer reports as failed; raise ValueError when it is not a valid answer."""
    failures = (answer or {}).get("batchItemFailures") or []
    identifiers = {failure["itemIdentifier"] for failure in failures}
    if not all(identifiers):
        raise ValueError("batchItemFailures holds an empty itemIdentifier")
    return identifiers
