"""Delivers batches of stream records to a handler as Lambda's event source mapping does.

At least once and in order: a failed batch is sent again from its first unprocessed record on. With
``ReportBatchItemFailures`` that is the lowest reported sequence number; an exception, or an answer that names a record
outside the batch, fails the whole batch. A failed batch is bisected until the failing record is alone; that record is
retried with growing pauses and then sent to the on-failure destination, and delivery continues after it.
"""

import threading
import time
import traceback
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from etl.lake.catalog import CAPTURE_FUNCTION
from etl.log import log

Record = dict[str, Any]
Handler = Callable[[dict[str, Any], Any], Any]
OPERATION = "capture.deliver"


@dataclass(frozen=True, slots=True)
class Policy:
    """The number of retries of a failing record, and the pauses between them (seconds, doubling)."""

    retries: int = 10
    first_pause: float = 0.2
    longest_pause: float = 5.0

    def pause(self, attempt: int) -> float:
        """Return the pause in seconds before retry number ``attempt`` (from 1)."""
        return min(self.first_pause * 2.0 ** (attempt - 1), self.longest_pause)


@dataclass(frozen=True, slots=True)
class LambdaContext:
    """The context that Lambda passes to a function, with Lambda's names."""

    function_name: str = CAPTURE_FUNCTION
    function_version: str = "$LATEST"
    memory_limit_in_mb: str = "512"
    invoked_function_arn: str = f"arn:aws:lambda:us-east-1:000000000000:function:{CAPTURE_FUNCTION}"
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    deadline: float = field(default_factory=lambda: time.monotonic() + 60)

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the function times out."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


@dataclass(frozen=True, slots=True)
class Failure:
    """A record that the handler never accepted, its shard, the number of attempts, and the last error."""

    record: Record
    shard: str
    attempts: int
    reason: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a batch: its first ``done`` records are processed; with ``blames_next``, the next one failed."""

    done: int
    reason: str = ""
    blames_next: bool = False


class Stopped(Exception):  # noqa: N818  a request, not an error
    """Delivery was told to stop during a batch; records that were not acknowledged will be sent again."""


class Delivery:
    """Sends batches to ``handler``, and records that it never accepts to ``discard``.

    Parameters
    ----------
    handler
        ``handler(event, context)`` as Lambda calls it; answers None or ``{"batchItemFailures": [...]}``.
    discard
        Called with a Failure; returns when the record is stored elsewhere. Its exceptions are retried.
    stop
        Ends deliveries when set: cuts a pause short and raises Stopped.
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

    def deliver(self, records: Sequence[Record], advance: Callable[[str], None], shard: str = "") -> None:
        """Deliver ``records`` of a shard in order, until each is accepted or discarded.

        ``advance`` is called with the sequence number of the last settled record, each time it grows.
        Raises Stopped if told to stop.
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
                if self._give_up(Failure(rest[0], shard, attempts, outcome.reason)):
                    advance(sequence_number(rest[0]))
                    attempts, rest = 0, []
            cut = 1 if outcome.blames_next else max(1, len(rest) // 2)
            pending.extendleft(part for part in (rest[cut:], rest[:cut]) if part)

    def _invoke(self, batch: list[Record]) -> Outcome:
        try:
            answer = self.handler({"Records": batch}, LambdaContext())
            failed = _failed_identifiers(answer)
        except Exception as error:  # noqa: BLE001  like Lambda, report any exception of the handler
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
            except Exception:  # noqa: BLE001  keep trying, so that the record is not lost
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
    """Return the identifiers that the handler reports as failed; raise an exception for an invalid answer."""
    failures = (answer or {}).get("batchItemFailures") or []
    identifiers = {failure["itemIdentifier"] for failure in failures}
    if not all(identifiers):
        raise ValueError("batchItemFailures holds an empty itemIdentifier")
    return identifiers
