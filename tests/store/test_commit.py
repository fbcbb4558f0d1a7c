"""Commits: their calls, their attempts, and doing it once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from store import attempts
from store.attempts import MAX_ATTEMPTS, MAX_RETRIES
from store.attributes import Text
from store.commit import Change, Committed, Plan, Replayed, commit
from store.errors import WriteContention
from store.model import Item
from store.reading import get
from store.writing import (
    ConditionFailed,
    check,
    delete,
    put,
    put_new,
    unchanged,
    update,
    write,
)
from tests.store.conftest import answer_lost, contended
from tests.store.items import BinnedNoteItem, NoteItem, next_version, note


class ReplyItem(Item):
    """The reply to a request that may be sent again."""

    ENTITY_TYPE = "STORE_TEST_REPLY"

    body = Text()


@dataclass
class Slot:
    """Keeps the title as the reply."""

    key: tuple[str, str] = field(default_factory=lambda: (f"REPLY#{note().SK}", "METADATA"))
    refused: bool = False

    def record(self, plan):
        pk, sk = self.key
        reply = plan.result.title
        return put_new(ReplyItem(PK=pk, SK=sk, body=reply)), reply

    def replay(self, record):
        if self.refused:
            raise LookupError
        return record.body


class Trail:
    """Records a write as a note about it."""

    @staticmethod
    def trail(_, before, after):
        item = after or before
        return [put_new(note(PK=f"TRAIL#{item.PK}", title=f"{before and 'old'} {after and 'new'}"))]

    @staticmethod
    def of(item):
        return [entry.title for entry in NoteItem.query(f"TRAIL#{item.PK}", consistent_read=True)]


def create(item):
    """Return a planner that stores a new item."""
    plan = Plan(item, [put_new(item)], [Change(None, item)], [item.key])
    return lambda: plan


def rename(title, seen=None):
    """Return a planner that gives a note a title."""

    def plan(current):
        if seen is not None:
            seen.append(current)
        if current is None:
            raise LookupError
        if current.title == title:
            return Plan(current, [unchanged(current)])
        new = next_version(current, title=title)
        return Plan(new, [update(current, new)], [Change(current, new)], [new.key])

    return plan


@pytest.fixture
def item():
    """Store a note."""
    made = note()
    write([put_new(made)])
    return made


@pytest.mark.parametrize("slot", [None, Slot()], ids=["plain", "with a key"])
def test_a_create_is_one_call(calls, slot):
    new = note()
    done = commit(None, create(new), slot=slot)
    assert done == Committed(new, slot and "First")
    assert calls == {"TransactWriteItems" if slot else "PutItem": 1}
    assert get(NoteItem, new.key) == new


def test_a_replay_of_a_create_is_one_call(calls):
    slot = Slot()
    commit(None, create(note()), slot=slot)
    calls.clear()
    other = note(title="Other")
    done = commit(None, create(other), slot=slot)
    assert isinstance(done, Replayed)
    assert (done.reply, done.record.key) == ("First", slot.key)
    assert calls == {"TransactWriteItems": 1}
    assert get(NoteItem, other.key) is None


def test_an_update_is_two_calls_and_its_replay_one(item, calls):
    slot = Slot()
    calls.clear()
    done = commit(None, rename("Second"), keys=[item.key], slot=slot)
    assert done == Committed(get(NoteItem, item.key), "Second")
    assert calls == {"BatchGetItem": 1, "TransactWriteItems": 1, "GetItem": 1}
    calls.clear()
    done = commit(None, rename("Third"), keys=[item.key], slot=slot)
    assert isinstance(done, Replayed)
    assert done.reply == "Second"
    assert calls == {"BatchGetItem": 1}


def test_a_plain_update_is_two_calls(item, calls):
    calls.clear()
    commit(None, rename("Second"), keys=[item.key])
    assert calls == {"GetItem": 1, "UpdateItem": 1}


def test_a_move_is_two_calls(item, calls):
    calls.clear()

    def bin_it(current):
        binned = current.copied_as(BinnedNoteItem, PK=f"BIN#{current.PK}", deleted_at="now")
        return Plan(binned, [delete(current), put_new(binned)], [Change(current, binned)])

    done = commit(None, bin_it, keys=[item.key])
    assert calls == {"GetItem": 1, "TransactWriteItems": 1}
    assert get(BinnedNoteItem, done.result.key) == done.result
    assert get(NoteItem, item.key) is None


def test_what_the_caller_knows_is_not_read(item, calls):
    calls.clear()
    done = commit(None, rename("Second"), keys=[item.key], known=[item])
    assert done.result.title == "Second"
    assert calls == {"UpdateItem": 1}


def test_a_plan_that_changes_nothing_writes_nothing(item, calls):
    calls.clear()
    assert commit(None, rename("First"), keys=[item.key]) == Committed(item)
    assert commit(None, lambda: Plan("refused"), slot=Slot()) == Committed("refused")
    assert calls == {"GetItem": 1}


def test_with_a_key_a_plan_that_changes_nothing_keeps_its_reply(item):
    slot = Slot()
    commit(None, rename("First"), keys=[item.key], slot=slot)
    assert get(ReplyItem, slot.key).body == "First"


def test_the_trail_is_written_along(item):
    new = note()
    commit(Trail(), create(new), slot=Slot())
    commit(Trail(), rename("Second"), keys=[item.key])
    commit(Trail(), rename("Second"), keys=[item.key])
    assert Trail.of(new) == ["None new"]
    assert Trail.of(item) == ["old new"]


def test_a_failed_condition_plans_again_with_the_item_in_the_way(item, calls):
    newer = next_version(item, title="Other")
    write([update(item, newer)])
    calls.clear()
    seen = []
    done = commit(None, rename("Second", seen), keys=[item.key], known=[item])
    assert seen == [item, newer]
    assert done.result.version == 3
    assert calls == {"UpdateItem": 2}


def test_an_item_that_went_is_planned_without(item):
    write([delete(item)])
    seen = []
    with pytest.raises(LookupError):
        commit(None, rename("Second", seen), keys=[item.key], known=[item])
    assert seen == [item, None]


def test_with_several_items_only_those_in_the_way_are_replaced(item):
    second = note()
    write([put_new(second)])
    newer = next_version(second)
    write([update(second, newer)])
    seen = []

    def both(*current):
        seen.append(current)
        new = [next_version(old, title="Both") for old in current]
        return Plan(new, [update(*pair) for pair in zip(current, new, strict=True)])

    done = commit(None, both, keys=[item.key, second.key], known=[item, second])
    assert seen == [(item, second), (item, newer)]
    assert [get(NoteItem, new.key) for new in done.result] == done.result


def test_a_condition_on_another_item_goes_to_the_caller(item):
    other = note()
    plan = Plan(None, [put(other), check(item.key, NoteItem.title == "Other")])
    with pytest.raises(ConditionFailed) as failure:
        commit(None, lambda: plan)
    assert failure.value.failed == [False, True]
    assert failure.value.blockers == [None, item]


def test_contention_reads_and_tries_again_after_a_pause(item, disturb, pauses, calls):
    disturb("UpdateItem", contended, times=2)
    seen = []
    calls.clear()
    assert commit(None, rename("Second", seen), keys=[item.key]).result.title == "Second"
    assert pauses == [0, 1]
    assert len(seen) == 3
    assert calls == {"GetItem": 3, "UpdateItem": 1}


def test_contention_that_does_not_end_is_given_up(item, disturb, pauses):
    disturb("UpdateItem", contended, times=MAX_ATTEMPTS)
    with pytest.raises(WriteContention):
        commit(None, rename("Second"), keys=[item.key])
    assert len(pauses) == MAX_ATTEMPTS
    assert get(NoteItem, item.key) == item


def overtaken(current):
    """Plan a write that another one always overtakes."""
    newer = next_version(current)
    write([update(current, newer)])
    return rename(newer.request_id)(current)


def test_others_that_keep_winning_are_given_up_to(item, pauses):
    with pytest.raises(WriteContention, match="send the request again"):
        commit(None, overtaken, keys=[item.key])
    assert get(NoteItem, item.key).version == 1 + MAX_ATTEMPTS
    assert pauses == list(range(2, MAX_ATTEMPTS)), "two plans are made at once, the next ones after a pause"


def test_a_request_has_so_many_retries_for_all_of_its_writes(pauses):
    def versions():
        item = note()
        write([put_new(item)])
        with pytest.raises(WriteContention):
            commit(None, overtaken, keys=[item.key])
        return get(NoteItem, item.key).version - 1

    with attempts.of_one_request():
        tried = [versions() for _ in range(4)]
    assert versions() == MAX_ATTEMPTS
    assert tried == [MAX_ATTEMPTS, MAX_ATTEMPTS, MAX_RETRIES - 2 * (MAX_ATTEMPTS - 1) + 1, 1]


def test_many_writers_without_a_condition_all_get_their_turn(item):
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(lambda n: commit(None, rename(f"Title {n}"), keys=[item.key]), range(50)))
    assert get(NoteItem, item.key).version == 51


def test_our_own_write_is_known_when_its_answer_was_lost(item, disturb):
    new = note()
    disturb("PutItem", answer_lost)
    assert commit(None, create(new)) == Committed(new)
    disturb("UpdateItem", answer_lost)
    done = commit(None, rename("Second"), keys=[item.key])
    assert done == Committed(get(NoteItem, item.key))
    assert done.result.version == 2


def test_the_record_of_our_own_write_answers_when_its_answer_was_lost(disturb):
    def sent_twice(send, arguments):
        send()
        arguments.pop("ClientRequestToken", None)
        return send()

    slot = Slot()
    disturb("TransactWriteItems", sent_twice)
    assert commit(None, create(note()), slot=slot).reply == "First"


def test_what_the_slot_raises_goes_to_the_caller():
    slot = Slot()
    commit(None, create(note()), slot=slot)
    slot.refused = True
    with pytest.raises(LookupError):
        commit(None, create(note()), slot=slot)
