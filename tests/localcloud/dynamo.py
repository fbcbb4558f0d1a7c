"""A table with a stream, and reading it whole: what several tests of the local AWS need."""

from __future__ import annotations

from typing import Any


def make_table(ddb: Any, table: str) -> str:
    """Create a table PK/SK with GSI1 and a stream; returns the stream's ARN."""
    attributes = ("PK", "SK", "GSI1PK", "GSI1SK")
    made = ddb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in attributes],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "GSI1",
                "KeySchema": [
                    {"AttributeName": "GSI1PK", "KeyType": "HASH"},
                    {"AttributeName": "GSI1SK", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    return str(made["TableDescription"]["LatestStreamArn"])


def item(pk: str, sk: str = "A", **more: Any) -> dict[str, Any]:
    """An item in DynamoDB's notation; strings and whole numbers only."""
    values = {
        name: {"N": str(value)} if isinstance(value, int) else {"S": value} for name, value in more.items()
    }
    return {"PK": {"S": pk}, "SK": {"S": sk}, **values}


def all_items(ddb: Any, table: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Every item by key."""
    pages = ddb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True)
    return {(row["PK"]["S"], row["SK"]["S"]): row for page in pages for row in page["Items"]}


def shard_of(streams: Any, arn: str) -> str:
    """The one shard of a stream."""
    return str(streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"])


def records(streams: Any, arn: str, after: str | None = None) -> list[dict[str, Any]]:
    """All records of a stream, or those after a sequence number."""
    start = {"ShardIteratorType": "TRIM_HORIZON"}
    if after is not None:
        start = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": after}
    made = streams.get_shard_iterator(StreamArn=arn, ShardId=shard_of(streams, arn), **start)
    iterator, found = made["ShardIterator"], []
    while True:
        page = streams.get_records(ShardIterator=iterator)
        found += page["Records"]
        iterator = page["NextShardIterator"]
        if not page["Records"]:
            return found
