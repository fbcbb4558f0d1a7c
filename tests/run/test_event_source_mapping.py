"""What the handler and the on-failure destination see when batches fail, as with a Lambda event source mapping."""

from __future__ import annotations

import threading

import pytest

from localcloud.event_source_mapping import Delivery, Policy, Stopped

FAST = Policy(retries=3, first_pause=0.0, longest_pause=0.0)


def record(number: int) -> dict:
    return {"eventID": f"event-{number}", "dynamodb": {"SequenceNumber": f"{number:021d}"}}


def numbers(records) -> list[int]:
    return [int(one["dynamodb"]["SequenceNumber"]) for one in records]


class Script:
    """A handler that follows a function of the batch's numbers, and remembers every batch it was sent."""

    def __init__(self, answer) -> None:
        self.answer, self.batches = answer, []

    def __call__(self, event, context):
        assert context.get_remaining_time_in_millis() > 0
        batch = numbers(event["Records"])
        self.batches.append(batch)
        return self.answer(batch)


def run(answer, count: int, discard=None):
    """Deliver records 1..count; return the script, the discarded failures, and the positions advanced to."""
    script, discarded, advanced = Script(answer), [], []
    delivery = Delivery(script, discard or discarded.append, threading.Event(), FAST)
    delivery.deliver([record(n) for n in range(1, count + 1)], lambda number: advanced.append(int(number)))
    return script, discarded, advanced


def failed(*which: int) -> dict:
    return {"batchItemFailures": [{"itemIdentifier": f"{n:021d}"} for n in which]}


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_an_accepted_batch_is_sent_once(answer):
    script, discarded, advanced = run(lambda batch: answer, 4)

    assert script.batches == [[1, 2, 3, 4]]
    assert discarded == []
    assert advanced == [4]


def test_no_records_no_call():
    script, _, advanced = run(lambda batch: None, 0)

    assert script.batches == []
    assert advanced == []


def test_partial_failure_resumes_at_the_lowest_reported_record():
    reported = []

    def fail_once(batch):
        if not reported:
            reported.append(True)
            return failed(4, 3)
        return None

    script, discarded, advanced = run(fail_once, 5)

    assert script.batches[0] == [1, 2, 3, 4, 5]
    assert [n for batch in script.batches[1:] for n in batch] == [3, 4, 5]
    assert advanced[0] == 2
    assert advanced[-1] == 5
    assert discarded == []


def test_poison_record_goes_to_the_destination_and_its_neighbours_go_on():
    script, discarded, advanced = run(lambda batch: failed(3) if 3 in batch else None, 5)

    assert [numbers([failure.record]) for failure in discarded] == [[3]]
    assert discarded[0].attempts == FAST.retries + 1
    assert script.batches[-1] == [4, 5]
    assert advanced[-1] == 5


def test_exception_bisects_until_the_culprit_stands_alone():
    def refuse_six(batch):
        if 6 in batch:
            raise RuntimeError("cannot read six")

    script, discarded, advanced = run(refuse_six, 8)

    accepted = [n for batch in script.batches if 6 not in batch for n in batch]
    assert accepted == [1, 2, 3, 4, 5, 7, 8]
    assert numbers([discarded[0].record]) == [6]
    assert "cannot read six" in discarded[0].reason
    assert advanced == sorted(advanced)
    assert advanced[-1] == 8


def test_a_failing_record_that_recovers_is_not_discarded():
    seen = []

    def recover(batch):
        seen.append(batch)
        if len(seen) <= FAST.retries:
            raise RuntimeError("throttled")

    script, discarded, advanced = run(recover, 1)

    assert script.batches == [[1]] * (FAST.retries + 1)
    assert discarded == []
    assert advanced == [1]


@pytest.mark.parametrize(
    "answer",
    [
        failed(99),
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"wrong": "key"}]},
        {"batchItemFailures": "all of them"},
        "done",
    ],
)
def test_an_answer_that_makes_no_sense_fails_the_whole_batch(answer):
    first = []

    def once(batch):
        if not first:
            first.append(batch)
            return answer
        return None

    script, discarded, advanced = run(once, 2)

    assert script.batches == [[1, 2], [1], [2]]
    assert discarded == []
    assert advanced == [1, 2]


def test_records_arrive_in_order_whatever_fails():
    attempts: dict[int, int] = {}

    def fail_each_twice(batch):
        attempts[batch[0]] = attempts.get(batch[0], 0) + 1
        return failed(batch[0]) if attempts[batch[0]] <= 2 else None

    script, discarded, advanced = run(fail_each_twice, 6)

    firsts = [batch[0] for batch in script.batches]
    assert firsts == sorted(firsts)
    assert discarded == []
    assert advanced == sorted(advanced)
    assert advanced[-1] == 6


def test_the_destination_is_retried_until_it_takes_the_record():
    taken, refused = [], []

    def discard(failure):
        if len(refused) < 4:
            refused.append(failure)
            raise ConnectionError("the queue is not there")
        taken.append(failure)

    _, _, advanced = run(lambda batch: failed(1) if 1 in batch else None, 2, discard)

    assert numbers([failure.record for failure in taken]) == [1]
    assert advanced[-1] == 2


def test_stopping_leaves_the_rest_unacknowledged():
    stop, advanced, discarded = threading.Event(), [], []

    def stop_and_fail(event, context):
        stop.set()
        return failed(2)

    delivery = Delivery(stop_and_fail, discarded.append, stop, FAST)
    with pytest.raises(Stopped):
        delivery.deliver([record(1), record(2)], advanced.append)

    assert [int(number) for number in advanced] == [1]
    assert discarded == []


def test_pauses_double_up_to_the_longest():
    policy = Policy(first_pause=0.2, longest_pause=5.0)

    assert [policy.pause(attempt) for attempt in (1, 2, 3, 6, 50)] == [0.2, 0.4, 0.8, 5.0, 5.0]
