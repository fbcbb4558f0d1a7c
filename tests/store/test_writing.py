"""Actions: what each does, when it fails, and how many requests a write is."""

from __future__ import annotations

import time

import pytest
from botocore.exceptions import ClientError

from store.errors import TooLarge
from store.model import Item
from store.reading import get
from store.sizes import ITEM_BYTES, TRANSACTION_BYTES, item_bytes
from store.writing import (
    ConditionFailed,
    Contended,
    check,
    count_up,
    delete,
    delete_existing,
    fill_in,
    put,
    put_instead,
    put_new,
    put_over,
    put_over_expired,
    put_unless_held,
    remove,
    unchanged,
    update,
    write,
)
from tests.store.conftest import contended
from tests.store.items import CounterItem, NoteItem, next_version, note

NOW = int(time.time())


@pytest.fixture
def item():
    """Store a note."""
    made = note(tags=["a"])
    write([put_new(made)])
    return made


def fails(action, blocker):
    """Whether a write of ``action`` fails because of ``blocker``, and writes nothing."""
    before = get(Item, action.key)
    with pytest.raises(ConditionFailed) as failure:
        write([action])
    assert failure.value.failed == [True]
    return failure.value.blockers == [blocker] and get(Item, action.key) == before


def holds(action):
    """Whether ``action`` stores its item."""
    write([action])
    return get(Item, action.key) is not None


def test_put_new_wants_nothing_there(item):
    assert fails(put_new(item.changed(title="Other")), item)


def test_put_replaces_whatever_is_there(item):
    other = item.changed(title="Other", tags=None)
    write([put(other)])
    assert get(NoteItem, item.key) == other


def test_put_over_wants_something_there(item):
    assert holds(put_over(item))
    assert fails(put_over(note()), None)


def test_put_instead_wants_the_attribute_unchanged(item):
    other = item.changed(title="Other")
    write([put_instead(other, item, "title")])
    assert fails(put_instead(item, item, "title"), other)


def test_put_over_expired(item):
    assert holds(put_over_expired(note(expires_at=NOW), NOW))
    assert fails(put_over_expired(item, NOW), item)
    old = note(expires_at=NOW - 1)
    write([put(old)])
    assert holds(put_over_expired(old.changed(expires_at=NOW + 9), NOW))
    assert fails(put_over_expired(old, NOW), old.changed(expires_at=NOW + 9))


def test_put_unless_held_by_another_user(item):
    assert holds(put_unless_held(item.changed(title="Mine"), NOW))
    assert fails(put_unless_held(item.changed(user_id="bob"), NOW), item.changed(title="Mine"))
    old = note(expires_at=NOW - 1)
    write([put(old)])
    assert holds(put_unless_held(old.changed(user_id="bob"), NOW))


def test_delete_wants_the_version_that_was_read(item):
    newer = next_version(item)
    write([update(item, newer)])
    assert fails(delete(item), newer)
    write([delete(newer)])
    assert get(NoteItem, item.key) is None
    assert fails(delete(newer), None)


def test_delete_existing_wants_an_item(item):
    write([delete_existing(item.key)])
    assert fails(delete_existing(item.key), None)


def test_update_sends_only_what_differs(item):
    action = update(item, next_version(item, title="Second", tags=None))
    assert set(action.arguments["ExpressionAttributeNames"].values()) == {
        "title",
        "tags",
        "version",
        "request_id",
    }
    write([action])
    read = get(NoteItem, item.key)
    assert (read.title, read.tags, read.version) == ("Second", None, 2)
    assert fails(update(item, next_version(item, title="Third")), read)


def test_update_to_the_same_only_checks(item):
    assert update(item, item.changed()).only_checks


def test_fill_in_overwrites_nothing(item):
    write([fill_in(item.changed(title="Other", body="New", headers={"S": "x"}))])
    assert get(NoteItem, item.key) == item.changed(body="New", headers={"S": "x"})
    new = note()
    write([fill_in(new)])
    assert get(NoteItem, new.key) == new


def test_checks_write_nothing(item):
    write([unchanged(item)])
    write([check(item.key, NoteItem.title == "First")])
    newer = next_version(item)
    write([update(item, newer)])
    assert fails(unchanged(item), newer)
    assert fails(check(item.key, NoteItem.title == "Other"), newer)
    assert fails(check(("NOTE#", "missing"), Item.PK.exists()), None)


def test_remove_and_remove_again(item):
    remove(item.key)
    remove(item.key)
    assert get(NoteItem, item.key) is None


def test_count_up_makes_the_counter_and_adds(calls):
    counter = CounterItem(PK=note().PK, SK="METADATA", expires_at=NOW)
    assert [count_up(counter, "used", amount) for amount in (1, 2, 4)] == [1, 3, 7]
    assert calls == {"UpdateItem": 3}
    assert get(CounterItem, counter.key) == counter.changed(used=7)


@pytest.mark.parametrize(
    ("action", "operation"),
    [(put_new, "PutItem"), (fill_in, "UpdateItem"), (lambda item: delete_existing(item.key), "DeleteItem")],
)
def test_one_action_is_a_single_call(item, calls, action, operation):
    write([action(item if operation != "PutItem" else note())])
    assert calls == {operation: 1}


def test_several_actions_are_one_transaction_in_their_order(item, calls):
    newer = next_version(item)
    write([update(item, newer)])
    calls.clear()
    actions = [
        put_new(item),
        unchanged(newer),
        delete(item),
        put_new(note()),
        delete_existing(("NOTE#", "missing")),
    ]
    # One item cannot be in a transaction twice, so each of the first three is about another one.
    second, third = note(), note()
    write([put_new(second), put_new(third)])
    actions[1], actions[2] = unchanged(second), delete(next_version(third))
    calls.clear()
    with pytest.raises(ConditionFailed) as failure:
        write(actions)
    assert failure.value.failed == [True, False, True, False, True]
    assert failure.value.blockers == [newer, None, third, None, None]
    assert calls == {"TransactWriteItems": 1}


def test_a_transaction_writes_all_or_nothing(item):
    new = note()
    with pytest.raises(ConditionFailed):
        write([put_new(new), put_new(item)])
    assert get(NoteItem, new.key) is None


def test_contention_has_an_exception_of_its_own(disturb):
    disturb("PutItem", contended)
    with pytest.raises(Contended):
        write([put_new(note())])


def test_other_errors_come_as_they_are(disturb):
    def refuse(send, arguments):
        raise ClientError({"Error": {"Code": "ValidationException", "Message": ""}}, "PutItem")

    disturb("PutItem", refuse)
    with pytest.raises(ClientError, match="ValidationException"):
        write([put_new(note())])


def of_size(wanted):
    """Return a note of exactly ``wanted`` bytes."""
    return note(body="x" * (wanted - item_bytes(note(body="").serialize())))


def test_an_item_may_have_400_kb_and_no_byte_more(item, calls):
    write([put_new(of_size(ITEM_BYTES))])
    calls.clear()
    large = of_size(ITEM_BYTES + 1)
    for actions in ([put_new(large)], [put_new(large), put_new(note())], [update(item, large)]):
        with pytest.raises(TooLarge) as refusal:
            write(actions)
        assert str(refusal.value) == "This has 409601 bytes, and at most 409600 can be saved. Shorten it."
    assert not calls, "it is counted before it is sent"


def test_a_transaction_may_have_4_mb_and_no_byte_more(calls):
    ten = [of_size(ITEM_BYTES) for _ in range(10)]
    fits = of_size(TRANSACTION_BYTES - 10 * ITEM_BYTES)
    write([put_new(each) for each in (*ten, fits)])
    calls.clear()
    others = [of_size(ITEM_BYTES) for _ in range(10)]
    with pytest.raises(TooLarge) as refusal:
        write([put_new(each) for each in (*others, of_size(TRANSACTION_BYTES - 10 * ITEM_BYTES + 1))])
    assert str(refusal.value) == (
        "This has 4194305 bytes, and at most 4194304 can be saved at once. Do it in smaller parts."
    )
    assert not calls


def test_a_transaction_may_have_100_actions(calls):
    write([put_new(note()) for _ in range(100)])
    calls.clear()
    with pytest.raises(TooLarge) as refusal:
        write([put_new(note()) for _ in range(101)])
    assert str(refusal.value) == (
        "This takes 101 writes, and at most 100 can be done at once. Do it in smaller parts."
    )
    assert not calls


@pytest.mark.parametrize(
    ("code", "message", "reasons"),
    [
        ("ValidationException", "Item size has exceeded the maximum allowed size", ()),
        ("ValidationException", "Item size to update has exceeded the maximum allowed size", ()),
        ("ValidationException", "Transaction aggregate size exceeded 4 MB", ()),
        (
            "TransactionCanceledException",
            "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ValidationError]",
            ("None", "ValidationError"),
        ),
    ],
)
def test_what_aws_says_of_too_large_writes(disturb, code, message, reasons):
    def refuse(send, arguments):
        why = "Item size to update has exceeded the maximum allowed size"
        found = [{"Code": reason, **({"Message": why} if reason != "None" else {})} for reason in reasons]
        raise ClientError(
            {"Error": {"Code": code, "Message": message}, "CancellationReasons": found}, "TransactWriteItems"
        )

    disturb("TransactWriteItems", refuse)
    with pytest.raises(TooLarge):
        write([put_new(note()), put_new(note())])
