"""kill -9 loses nothing that was acknowledged: items, stream records, transactions, and every other service."""

from __future__ import annotations

import json
import re
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.server import LocalAws
from tests.localcloud.conftest import ClientOf, client
from tests.localcloud.dynamo import all_items, item, make_table, records


def crash(aws: LocalAws) -> None:
    aws.kill()
    aws.start()


def test_an_item_survives_a_crash(aws: LocalAws, of: ClientOf) -> None:
    make_table(of("dynamodb"), "work")
    of("dynamodb").put_item(TableName="work", Item=item("a", title="hello"))
    crash(aws)
    assert all_items(of("dynamodb"), "work") == {("a", "A"): item("a", title="hello")}


def test_updates_deletes_batches_and_indexes_survive(aws: LocalAws, of: ClientOf) -> None:
    ddb = of("dynamodb")
    make_table(ddb, "work")
    rows = [item(f"p{n}", GSI1PK="all", GSI1SK=f"{n}") for n in range(5)]
    ddb.batch_write_item(RequestItems={"work": [{"PutRequest": {"Item": row}} for row in rows]})
    ddb.update_item(
        TableName="work",
        Key=item("p1"),
        UpdateExpression="SET GSI1SK = :new ADD hits :one",
        ExpressionAttributeValues={":new": {"S": "9"}, ":one": {"N": "1"}},
    )
    ddb.delete_item(TableName="work", Key=item("p2"))
    query: dict[str, Any] = {
        "TableName": "work",
        "IndexName": "GSI1",
        "KeyConditionExpression": "GSI1PK = :all",
        "ExpressionAttributeValues": {":all": {"S": "all"}},
    }
    before = ddb.query(**query)["Items"]
    crash(aws)
    after = of("dynamodb").query(**query)["Items"]
    assert after == before
    assert [row["PK"]["S"] for row in after] == ["p0", "p3", "p4", "p1"]
    assert of("dynamodb").describe_table(TableName="work")["Table"]["ItemCount"] == 4


def test_stream_records_come_back_unchanged(aws: LocalAws, of: ClientOf) -> None:
    arn = make_table(of("dynamodb"), "work")
    for version in (1, 2):
        of("dynamodb").put_item(TableName="work", Item=item("a", version=version))
    of("dynamodb").delete_item(TableName="work", Key=item("a"))
    before = records(of("dynamodbstreams"), arn)
    crash(aws)
    after = records(of("dynamodbstreams"), arn)
    assert after == before
    assert [record["eventName"] for record in after] == ["INSERT", "MODIFY", "REMOVE"]
    assert after[1]["dynamodb"]["OldImage"] == item("a", version=1)
    assert after[1]["dynamodb"]["NewImage"] == item("a", version=2)


@pytest.mark.long
def test_reading_resumes_after_a_sequence_number_and_numbers_keep_growing(
    aws: LocalAws, of: ClientOf
) -> None:
    arn = make_table(of("dynamodb"), "work")
    for number in range(3):
        of("dynamodb").put_item(TableName="work", Item=item(f"before-{number}"))
    seen = [record["dynamodb"]["SequenceNumber"] for record in records(of("dynamodbstreams"), arn)]
    crash(aws)
    for number in range(3):
        of("dynamodb").put_item(TableName="work", Item=item(f"after-{number}"))
    rest = records(of("dynamodbstreams"), arn, after=seen[1])
    assert [record["dynamodb"]["Keys"]["PK"]["S"] for record in rest] == [
        "before-2", "after-0", "after-1", "after-2",
    ]  # fmt: skip
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in rest]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) == 4


@pytest.mark.long
def test_sequence_numbers_grow_although_the_clock_stepped_back(
    aws: LocalAws, of: ClientOf, tmp_path: Path
) -> None:
    arn = make_table(of("dynamodb"), "work")
    of("dynamodb").put_item(TableName="work", Item=item("from-the-future"))
    aws.kill()
    journal = next((tmp_path / "aws/dynamodb").glob("journal.*"))
    an_hour_later = re.sub(
        r'(?<="SequenceNumber":")\d{20}',
        lambda found: f"{int(found[0]) + 3_600_000:020d}",
        journal.read_text(),
    )
    journal.write_text(an_hour_later)
    aws.start()
    of("dynamodb").put_item(TableName="work", Item=item("now"))
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records(of("dynamodbstreams"), arn)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 2


@pytest.mark.long
def test_a_transaction_retried_after_a_crash_is_not_applied_twice(aws: LocalAws, of: ClientOf) -> None:
    arn = make_table(of("dynamodb"), "work")
    of("dynamodb").put_item(TableName="work", Item=item("counter", hits=0))
    bump: dict[str, Any] = {
        "ClientRequestToken": "one-token",
        "TransactItems": [
            {
                "Update": {
                    "TableName": "work",
                    "Key": item("counter"),
                    "UpdateExpression": "ADD hits :one",
                    "ExpressionAttributeValues": {":one": {"N": "1"}},
                }
            }
        ],
    }
    of("dynamodb").transact_write_items(**bump)
    crash(aws)
    of("dynamodb").transact_write_items(**bump)
    assert all_items(of("dynamodb"), "work")[("counter", "A")]["hits"] == {"N": "1"}
    assert len(records(of("dynamodbstreams"), arn)) == 2
    bump["TransactItems"][0]["Update"]["Key"] = item("other")
    with pytest.raises(ClientError, match="IdempotentParameterMismatch"):
        of("dynamodb").transact_write_items(**bump)


def test_a_torn_last_line_is_dropped_and_writing_goes_on(aws: LocalAws, of: ClientOf, tmp_path: Path) -> None:
    make_table(of("dynamodb"), "work")
    of("dynamodb").put_item(TableName="work", Item=item("whole"))
    aws.kill()
    journal = next((tmp_path / "aws/dynamodb").glob("journal.*"))
    with journal.open("ab") as file:
        file.write(b'{"i":[["000000000000","us-east-1","work","torn","A",{"PK"')
    aws.start()
    of("dynamodb").put_item(TableName="work", Item=item("later"))
    crash(aws)
    assert {pk for pk, _ in all_items(of("dynamodb"), "work")} == {"whole", "later"}


def test_compaction_keeps_items_streams_and_positions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, aws: LocalAws, of: ClientOf
) -> None:
    aws.stop()
    monkeypatch.setenv("LOCAL_AWS_COMPACT_BYTES", "20000")
    aws.start()
    arn = make_table(of("dynamodb"), "work")
    for number in range(150):
        of("dynamodb").put_item(TableName="work", Item=item(f"p{number % 40}", text="x" * 200, number=number))
    items, stream = all_items(of("dynamodb"), "work"), records(of("dynamodbstreams"), arn)
    crash(aws)
    assert list((tmp_path / "aws/dynamodb").glob("snapshot.*"))
    assert all_items(of("dynamodb"), "work") == items
    assert records(of("dynamodbstreams"), arn) == stream
    assert len(stream) == 150


@pytest.mark.long
def test_a_recreated_table_is_empty_after_a_crash(aws: LocalAws, of: ClientOf) -> None:
    make_table(of("dynamodb"), "work")
    of("dynamodb").put_item(TableName="work", Item=item("old"))
    of("dynamodb").delete_table(TableName="work")
    arn = make_table(of("dynamodb"), "work")
    crash(aws)
    assert all_items(of("dynamodb"), "work") == {}
    assert of("dynamodb").describe_table(TableName="work")["Table"]["LatestStreamArn"] == arn


class Writers:
    """Clients that write single items and pairs in transactions, and remember what was acknowledged."""

    def __init__(self, aws: LocalAws, count: int = 4) -> None:
        self.acknowledged: set[str] = set()
        self.pairs: set[str] = set()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._write, args=(aws, n)) for n in range(count)]
        for thread in self._threads:
            thread.start()

    def _write(self, aws: LocalAws, writer: int) -> None:
        ddb = client(aws, "dynamodb")
        number = 0
        while not self._stop.is_set():
            number += 1
            key = f"{writer}-{number}-{time.time_ns()}"
            try:
                self._write_one(ddb, key, pair=number % 2 == 0)
            except (ClientError, BotoCoreError):
                return

    def _write_one(self, ddb: Any, key: str, *, pair: bool) -> None:
        if pair:
            puts = [{"Put": {"TableName": "work", "Item": item(key, sk)}} for sk in ("A", "B")]
            ddb.transact_write_items(TransactItems=puts)
            self.pairs.add(key)
        else:
            ddb.put_item(TableName="work", Item=item(key, "S"))
            self.acknowledged.add(key)

    def join(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def kill_while_writing(aws: LocalAws, rounds: int) -> int:
    """Kill the server under load again and again; returns how many writes were acknowledged."""
    arn = make_table(client(aws, "dynamodb"), "work")
    singles: set[str] = set()
    pairs: set[str] = set()
    for number in range(rounds):
        writers = Writers(aws)
        while len(writers.acknowledged) < 25 + 10 * number:
            time.sleep(0.01)
        aws.kill()
        writers.join()
        singles |= writers.acknowledged
        pairs |= writers.pairs
        aws.start()
        check_nothing_lost(aws, arn, singles, pairs)
    return len(singles) + len(pairs)


def check_nothing_lost(aws: LocalAws, arn: str, singles: set[str], pairs: set[str]) -> None:
    keys = set(all_items(client(aws, "dynamodb"), "work"))
    assert {(key, "S") for key in singles} <= keys
    assert {(key, sk) for key in pairs for sk in "AB"} <= keys
    assert {pk for pk, sk in keys if sk == "A"} == {pk for pk, sk in keys if sk == "B"}
    inserted = [
        (record["dynamodb"]["Keys"]["PK"]["S"], record["dynamodb"]["Keys"]["SK"]["S"])
        for record in records(client(aws, "dynamodbstreams"), arn)
    ]
    assert len(inserted) == len(set(inserted))
    assert set(inserted) == keys


def test_killed_under_load(aws: LocalAws) -> None:
    assert kill_while_writing(aws, rounds=3) > 75


@pytest.mark.long
def test_killed_under_load_with_compactions(aws: LocalAws, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.stop()
    monkeypatch.setenv("LOCAL_AWS_COMPACT_BYTES", "30000")
    aws.start()
    assert kill_while_writing(aws, rounds=10) > 500


def queue_message(of: ClientOf) -> Callable[[], Any]:
    url = of("sqs").create_queue(QueueName="failures")["QueueUrl"]
    of("sqs").send_message(QueueUrl=url, MessageBody="poison")
    return lambda: of("sqs").receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"][0]["Body"]


def catalog(of: ClientOf) -> Callable[[], Any]:
    glue = of("glue")
    glue.create_database(DatabaseInput={"Name": "lake"})
    columns = [{"Name": "a", "Type": "string"}]
    descriptor = {"Columns": columns, "Location": "s3://b/t/"}
    keys = [{"Name": "day", "Type": "string"}]
    table = {"Name": "t", "StorageDescriptor": descriptor, "PartitionKeys": keys}
    glue.create_table(DatabaseName="lake", TableInput=table)
    partition = {"Values": ["01"], "StorageDescriptor": {**descriptor, "Location": "s3://b/elsewhere/"}}
    glue.create_partition(DatabaseName="lake", TableName="t", PartitionInput=partition)
    glue.update_table(DatabaseName="lake", TableInput={**table, "Description": "second"})
    return lambda: (
        of("glue").get_table(DatabaseName="lake", Name="t")["Table"],
        of("glue").get_partitions(DatabaseName="lake", TableName="t")["Partitions"],
    )


def delivery_stream(of: ClientOf) -> Callable[[], Any]:
    configuration = {"RoleARN": "arn:aws:iam::000000000000:role/r", "BucketARN": "arn:aws:s3:::some-bucket"}
    of("firehose").create_delivery_stream(
        DeliveryStreamName="cdc", ExtendedS3DestinationConfiguration=configuration
    )
    return lambda: of("firehose").describe_delivery_stream(DeliveryStreamName="cdc")[
        "DeliveryStreamDescription"
    ]


def workgroup(of: ClientOf) -> Callable[[], Any]:
    result = {"ResultConfiguration": {"OutputLocation": "s3://some-bucket/results/"}}
    of("athena").create_work_group(Name="analytics", Configuration=result)
    return lambda: of("athena").get_work_group(WorkGroup="analytics")["WorkGroup"]["Configuration"]


def time_to_live(of: ClientOf) -> Callable[[], Any]:
    make_table(of("dynamodb"), "expiring")
    of("dynamodb").update_time_to_live(
        TableName="expiring", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"}
    )
    return lambda: of("dynamodb").describe_time_to_live(TableName="expiring")["TimeToLiveDescription"]


def bucket_settings(of: ClientOf) -> Callable[[], Any]:
    of("s3").create_bucket(Bucket="versioned-bucket")
    of("s3").put_bucket_versioning(Bucket="versioned-bucket", VersioningConfiguration={"Status": "Enabled"})
    return lambda: of("s3").get_bucket_versioning(Bucket="versioned-bucket")["Status"]


@pytest.mark.long
def test_other_services_survive(aws: LocalAws, of: ClientOf) -> None:
    services = (queue_message, catalog, delivery_stream, workgroup, time_to_live, bucket_settings)
    looks = {prepare.__name__: prepare(of) for prepare in services}
    before = {name: look() for name, look in looks.items()}
    crash(aws)
    assert {name: look() for name, look in looks.items()} == before


def test_people_passwords_groups_and_tokens_survive(aws: LocalAws, of: ClientOf) -> None:
    cognito = of("cognito-idp")
    pool = cognito.create_user_pool(PoolName="people", AliasAttributes=["email"])["UserPool"]["Id"]
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    app = cognito.create_user_pool_client(UserPoolId=pool, ClientName="app", ExplicitAuthFlows=flows)
    client_id = app["UserPoolClient"]["ClientId"]
    cognito.admin_create_user(UserPoolId=pool, Username="alice", MessageAction="SUPPRESS")
    cognito.admin_set_user_password(
        UserPoolId=pool, Username="alice", Password="Correct-horse-9", Permanent=True
    )
    cognito.create_group(UserPoolId=pool, GroupName="managers")
    cognito.admin_add_user_to_group(UserPoolId=pool, Username="alice", GroupName="managers")
    login = {"USERNAME": "alice", "PASSWORD": "Correct-horse-9"}
    signed_in = cognito.initiate_auth(ClientId=client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=login)
    tokens = signed_in["AuthenticationResult"]
    keys_url = f"{aws.endpoint_url}/{pool}/.well-known/jwks.json"
    keys = json.load(urllib.request.urlopen(keys_url))
    crash(aws)
    assert json.load(urllib.request.urlopen(keys_url)) == keys
    cognito = of("cognito-idp")
    assert cognito.get_user(AccessToken=tokens["AccessToken"])["Username"] == "alice"
    refresh = {"REFRESH_TOKEN": tokens["RefreshToken"]}
    cognito.initiate_auth(ClientId=client_id, AuthFlow="REFRESH_TOKEN_AUTH", AuthParameters=refresh)
    cognito.initiate_auth(ClientId=client_id, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=login)
    groups = cognito.admin_list_groups_for_user(UserPoolId=pool, Username="alice")["Groups"]
    assert [group["GroupName"] for group in groups] == ["managers"]


def test_a_state_file_that_cannot_be_read_stops_the_start(
    aws: LocalAws, of: ClientOf, tmp_path: Path
) -> None:
    of("sqs").create_queue(QueueName="failures")
    aws.kill()
    (tmp_path / "aws/services/sqs.json").write_text("{")
    with pytest.raises(Exception, match=r"sqs\.json cannot be read"):
        aws.start()
