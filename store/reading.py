"""Reads of the table. Each call is one request unless it says otherwise; reads of GSI1 to GSI5 are not consistent."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Generic, NamedTuple

from pynamodb.exceptions import QueryError
from pynamodb.expressions.condition import Condition

from store.model import AnyItem, Key, RawItem, table
from store.writing import Contended, pause

MAX_ATTEMPTS = 6  # to read what a BatchGetItem leaves out

Start = Mapping[str, str]


class Page(NamedTuple, Generic[AnyItem]):
    """The items of one Query, and the key to start after for more (``{}`` at the end)."""

    items: list[AnyItem]
    last: dict[str, str]


def raw_key(key: Key) -> RawItem:
    """Return ``key`` (PK, SK) as DynamoDB's JSON."""
    return {"PK": {"S": key[0]}, "SK": {"S": key[1]}}


def get(model: type[AnyItem], key: Key) -> AnyItem | None:
    """Return the item at ``key``, read consistently, or None. One GetItem.

    Raises WrongType if it is not a ``model``.
    """
    arguments = {"TableName": table().table_name, "Key": raw_key(key), "ConsistentRead": True}
    answer = table().connection.dispatch("GetItem", arguments)
    return model.from_raw_data(answer["Item"]) if "Item" in answer else None


def get_all(model: type[AnyItem], keys: Sequence[Key]) -> list[AnyItem | None]:
    """Return the items at ``keys`` (100 at most, no two the same) in their order, read consistently.

    One BatchGetItem; what it leaves unprocessed is asked for again after a pause, and after ``MAX_ATTEMPTS`` requests
    Contended is raised. None stands for an item that is not there.
    """
    name = table().table_name
    found: dict[Key, AnyItem] = {}
    wanted = [raw_key(key) for key in keys]
    for attempt in range(MAX_ATTEMPTS):
        if not wanted:
            break
        if attempt:
            pause(attempt - 1)
        request = {"RequestItems": {name: {"Keys": wanted, "ConsistentRead": True}}}
        answer = table().connection.dispatch("BatchGetItem", request)
        items = [model.from_raw_data(raw) for raw in answer["Responses"].get(name, ())]
        found |= {item.key: item for item in items}
        wanted = answer.get("UnprocessedKeys", {}).get(name, {}).get("Keys", [])
    if wanted:
        raise Contended
    return [found.get(key) for key in keys]


def query(
    model: type[AnyItem],
    hash_key: str,
    range_condition: Condition | None = None,
    *,
    index: str = "",
    filter_condition: Condition | None = None,
    start: Start | None = None,
    limit: int | None = None,
    forward: bool = True,
    consistent: bool = True,
    impatient: bool = False,
) -> Page[AnyItem]:
    """Return one page of the items of a partition. One Query.

    Parameters
    ----------
    model
        What the items are; ``Item`` if they are of several kinds.
    hash_key
        The partition, of the table or of ``index``.
    range_condition
        On the sort key: ``Item.SK.between(low, high)``, ``Item.GSI1SK.startswith(prefix)``.
    index
        One of ``INDEXES`` or ``CHANGES``; "" for the table.
    filter_condition
        What else must hold. DynamoDB reads ``limit`` items and then leaves out others, so a page may be short.
    start
        The key to start after: ``last`` of an earlier page.
    limit
        How many items to read at most; without it, as many as 1 MB holds.
    forward
        Whether the sort key ascends.
    consistent
        False where it does not matter, at half the price. GSI1 to GSI5 know no other.
    impatient
        Give up soon and do not retry.
    """
    try:
        answer = table(impatient=impatient).query(
            hash_key,
            range_key_condition=range_condition,
            filter_condition=filter_condition,
            consistent_read=consistent and not index.startswith("GSI"),
            exclusive_start_key={name: {"S": value} for name, value in (start or {}).items()},
            index_name=index or None,
            limit=limit,
            scan_index_forward=forward,
        )
    except QueryError as error:  # callers know botocore's errors, as of every other call
        raise error.cause or error from None
    last = {name: value["S"] for name, value in answer.get("LastEvaluatedKey", {}).items()}
    return Page([model.from_raw_data(raw) for raw in answer["Items"]], last)


def count(hash_key: str, range_condition: Condition | None = None, *, index: str = "") -> tuple[int, bool]:
    """Return how many items a partition has, and whether that is all of them: a megabyte of them is counted at most.

    One Query, not consistent; parameters as of ``query``.
    """
    try:
        answer = table().query(
            hash_key, range_key_condition=range_condition, index_name=index or None, select="COUNT"
        )
    except QueryError as error:
        raise error.cause or error from None
    return int(answer["Count"]), not answer.get("LastEvaluatedKey")


def query_all(
    model: type[AnyItem], hash_key: str, range_condition: Condition | None = None, **options: Any
) -> Iterator[AnyItem]:
    """Return all items of a partition, page by page. One Query a page; parameters as of ``query``."""
    page = query(model, hash_key, range_condition, **options)
    yield from page.items
    while page.last:
        page = query(model, hash_key, range_condition, **(options | {"start": page.last}))
        yield from page.items


def scan() -> Iterator[RawItem]:
    """Yield every item of the table as it is stored, whatever it is. One Scan a page, consistent."""
    start: RawItem | None = None
    while True:
        # PynamoDB declares a text, but passes a key on as Query does.
        page = table().scan(consistent_read=True, exclusive_start_key=start)  # type: ignore[arg-type]
        yield from page["Items"]
        start = page.get("LastEvaluatedKey")
        if not start:
            return
