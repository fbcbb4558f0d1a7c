"""The tables that were restored from the lake: an erasure has to reach them too.

`rebuild_table` notes the name of each before it writes the first item.
"""

from collections.abc import Callable, Iterator
from typing import Any

from etl.capture.bronze_row import ENTITIES
from etl.lake.commit import commit_json
from etl.lake.layout import REBUILT_TABLES
from etl.lake.storage import Bucket

BATCH = 25
Key = dict[str, Any]


def note(bronze: Bucket, table: str) -> None:
    """Note that a table is restored from the lake."""
    _change(bronze, lambda names: names | {table})


def _change(bronze: Bucket, change: Callable[[set[str]], set[str]]) -> None:
    def plan(held: dict[str, Any] | None) -> dict[str, Any] | None:
        before = set((held or {}).get("tables", ()))
        after = change(before)
        return None if after == before else {"tables": sorted(after)}

    commit_json(bronze, REBUILT_TABLES, plan)


def holding(bronze: Bucket, dynamodb: Any, user_id: str) -> Iterator[tuple[str, int]]:
    """Tables with items of a person, and how many, by a client of DynamoDB. Forgets tables that are gone."""
    found = bronze.get_json(REBUILT_TABLES)
    noted = set(found[0]["tables"]) if found else set()
    pages = dynamodb.get_paginator("list_tables").paginate() if noted else ()
    existing = {table for page in pages for table in page["TableNames"]}
    if gone := noted - existing:
        _change(bronze, lambda names: names - gone)
    for table in sorted(noted & existing):
        if number := len(list(_keys(dynamodb, table, user_id))):
            yield table, number


def erase(bronze: Bucket, dynamodb: Any, user_id: str) -> None:
    """Delete the items of a person from every table."""
    for table, _ in holding(bronze, dynamodb, user_id):
        keys = list(_keys(dynamodb, table, user_id))
        for start in range(0, len(keys), BATCH):
            todo = {table: [{"DeleteRequest": {"Key": key}} for key in keys[start : start + BATCH]]}
            while todo:
                todo = dynamodb.batch_write_item(RequestItems=todo).get("UnprocessedItems") or {}


def _keys(dynamodb: Any, table: str, user_id: str) -> Iterator[Key]:
    """Keys of a person's items in a table."""
    pages = dynamodb.get_paginator("query")
    for entity in ENTITIES:
        for page in pages.paginate(
            TableName=table,
            KeyConditionExpression="PK = :pk",
            ExpressionAttributeValues={":pk": {"S": f"{entity}#{user_id}"}},
            ProjectionExpression="PK, SK",
            ConsistentRead=True,
        ):
            yield from page["Items"]
