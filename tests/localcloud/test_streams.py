"""DynamoDB transactions and streams where the capture of changes depends on them."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.server import LocalAws
from tests.localcloud.conftest import ClientOf
from tests.localcloud.dynamo import all_items, item, make_table, records


def test_a_new_item_has_an_insert_record(shared: ClientOf, name: str) -> None:
    arn = make_table(shared("dynamodb"), name)
    shared("dynamodb").put_item(TableName=name, Item=item("a", number=12345678901234567890))
    (record,) = records(shared("dynamodbstreams"), arn)
    assert record["eventName"] == "INSERT"
    assert record["dynamodb"]["NewImage"]["number"] == {"N": "12345678901234567890"}
    assert abs(record["dynamodb"]["ApproximateCreationDateTime"].timestamp() - time.time()) < 60


def test_expired_items_leave_with_a_record_of_the_ttl_service(
    aws: LocalAws, of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.stop()
    monkeypatch.setenv("LOCAL_AWS_TTL_SECONDS", "0.2")
    aws.start()
    arn = make_table(of("dynamodb"), "work")
    now = int(time.time())
    old = item("old", expires_at=now - 10)
    kept = [item("future", expires_at=now + 3600), item("never"), item("ages-ago", expires_at=5)]
    for row in (old, *kept):
        of("dynamodb").put_item(TableName="work", Item=row)
    specification = {"Enabled": True, "AttributeName": "expires_at"}
    of("dynamodb").update_time_to_live(TableName="work", TimeToLiveSpecification=specification)
    deadline = time.monotonic() + 20
    while len(all_items(of("dynamodb"), "work")) > 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    aws.kill()
    aws.start()
    assert set(all_items(of("dynamodb"), "work")) == {(row["PK"]["S"], "A") for row in kept}
    removed = [record for record in records(of("dynamodbstreams"), arn) if record["eventName"] == "REMOVE"]
    assert len(removed) == 1
    assert removed[0]["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    assert removed[0]["dynamodb"]["OldImage"] == old


def test_a_transaction_is_all_or_nothing_and_returns_the_old_item(shared: ClientOf, name: str) -> None:
    ddb = shared("dynamodb")
    arn = make_table(ddb, name)
    ddb.put_item(TableName=name, Item=item("taken", reply="stored"))
    absent = {
        "ConditionExpression": "attribute_not_exists(PK)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    writes = [
        {"Put": {"TableName": name, "Item": item("new")}},
        {"Put": {"TableName": name, "Item": item("taken"), **absent}},
    ]
    with pytest.raises(ClientError) as caught:
        ddb.transact_write_items(TransactItems=writes)
    reasons = caught.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert reasons[1]["Item"] == item("taken", reply="stored")
    assert set(all_items(ddb, name)) == {("taken", "A")}
    assert len(records(shared("dynamodbstreams"), arn)) == 1


def test_a_failed_condition_of_a_single_write_returns_the_old_item(shared: ClientOf, name: str) -> None:
    ddb = shared("dynamodb")
    make_table(ddb, name)
    ddb.put_item(TableName=name, Item=item("taken", version=3))
    with pytest.raises(ddb.exceptions.ConditionalCheckFailedException) as caught:
        ddb.put_item(
            TableName=name,
            Item=item("taken", version=2),
            ConditionExpression="version = :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert caught.value.response["Item"] == item("taken", version=3)


def test_one_of_many_simultaneous_creations_wins(shared: ClientOf, name: str) -> None:
    ddb = shared("dynamodb")
    make_table(ddb, name)

    def create(number: int) -> bool:
        try:
            ddb.put_item(
                TableName=name,
                Item=item("one", winner=number),
                ConditionExpression="attribute_not_exists(PK)",
            )
        except ddb.exceptions.ConditionalCheckFailedException:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(create, range(24))) == 1


def test_writes_that_change_nothing_leave_no_record(shared: ClientOf, name: str) -> None:
    arn = make_table(shared("dynamodb"), name)
    for _ in range(2):
        shared("dynamodb").put_item(TableName=name, Item=item("a", text="same"))
    assert len(records(shared("dynamodbstreams"), arn)) == 1


def test_partiql_writes_are_in_the_stream(shared: ClientOf, name: str) -> None:
    arn = make_table(shared("dynamodb"), name)
    statement: dict[str, Any] = {"Statement": f"INSERT INTO \"{name}\" VALUE {{'PK': 'a', 'SK': 'A'}}"}
    shared("dynamodb").execute_statement(**statement)
    assert [record["eventName"] for record in records(shared("dynamodbstreams"), arn)] == ["INSERT"]


def test_an_empty_poll_goes_on_where_it_was(shared: ClientOf, name: str) -> None:
    ddb, streams = shared("dynamodb"), shared("dynamodbstreams")
    arn = make_table(ddb, name)
    ddb.put_item(TableName=name, Item=item("before"))
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    latest = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="LATEST")[
        "ShardIterator"
    ]
    empty = streams.get_records(ShardIterator=latest)
    assert empty["Records"] == []
    ddb.put_item(TableName=name, Item=item("after"))
    page = streams.get_records(ShardIterator=empty["NextShardIterator"])
    assert [record["dynamodb"]["Keys"]["PK"]["S"] for record in page["Records"]] == ["after"]


def test_records_do_not_expire_while_nothing_runs(
    aws: LocalAws, of: ClientOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = make_table(of("dynamodb"), "work")
    of("dynamodb").put_item(TableName="work", Item=item("a"))
    aws.kill()
    monkeypatch.setenv("LOCAL_AWS_STREAM_SECONDS", "1")
    time.sleep(1.1)
    aws.start()
    assert len(records(of("dynamodbstreams"), arn)) == 1
