"""What the local AWS acknowledged with DURABLE=1 is there after a loss of power; without one of its syncs it is not."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.server import LocalAws, LocalAwsError
from tests.localcloud.conftest import ClientOf, client
from tests.localcloud.dynamo import all_items, item, make_table, records
from tests.localcloud.test_durability import catalog, kill_while_writing, queue_message
from tests.power_loss.conftest import PoweredAws
from tests.run.stack import until

pytestmark = pytest.mark.long

BUCKET, KEY = "lake-bucket", "layer/day=1/current"
Look = Callable[[], Any]


def items(of: ClientOf) -> Look:
    arn = make_table(of("dynamodb"), "work")
    of("dynamodb").put_item(TableName="work", Item=item("a", title="hello"))
    of("dynamodb").put_item(TableName="work", Item=item("a", title="changed"))
    return lambda: (all_items(of("dynamodb"), "work"), records(of("dynamodbstreams"), arn))


def objects(of: ClientOf) -> Look:
    s3 = of("s3")
    s3.create_bucket(Bucket=BUCKET)
    for body in (b"first", b"second and longer"):
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=body, Metadata={"is": body.decode()})
    s3.put_object(Bucket=BUCKET, Key="layer/gone", Body=b"no")
    s3.delete_object(Bucket=BUCKET, Key="layer/gone")

    def look() -> tuple[Any, ...]:
        listed = [entry["Key"] for entry in of("s3").list_objects_v2(Bucket=BUCKET).get("Contents", [])]
        found = of("s3").get_object(Bucket=BUCKET, Key=KEY)
        return listed, found["Body"].read(), found["Metadata"], found["ETag"]

    return look


def accounts(of: ClientOf) -> Look:
    cognito = of("cognito-idp")
    pool = cognito.create_user_pool(PoolName="people")["UserPool"]["Id"]
    flows = ["ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]
    made = cognito.create_user_pool_client(UserPoolId=pool, ClientName="app", ExplicitAuthFlows=flows)
    app, login = made["UserPoolClient"]["ClientId"], {"USERNAME": "alice", "PASSWORD": "Correct-horse-9"}
    cognito.admin_create_user(UserPoolId=pool, Username="alice", MessageAction="SUPPRESS")
    cognito.admin_set_user_password(
        UserPoolId=pool, Username="alice", Password="Correct-horse-9", Permanent=True
    )
    signed_in = cognito.initiate_auth(ClientId=app, AuthFlow="USER_PASSWORD_AUTH", AuthParameters=login)
    token = signed_in["AuthenticationResult"]["AccessToken"]
    return lambda: of("cognito-idp").get_user(AccessToken=token)["Username"]


def compacted(of: ClientOf) -> Look:
    """Write until the journal has been replaced by snapshots."""
    make_table(of("dynamodb"), "compacted")
    for number in range(60):
        row = item(f"p{number % 20}", text="x" * 200, number=number)
        of("dynamodb").put_item(TableName="compacted", Item=row)
    return lambda: all_items(of("dynamodb"), "compacted")


KINDS = {kind.__name__: kind for kind in (items, objects, accounts, queue_message, catalog, compacted)}


@pytest.fixture(autouse=True)
def often_compacted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_AWS_COMPACT_BYTES", "10000")


def test_everything_acknowledged_survives(aws: PoweredAws, of: ClientOf) -> None:
    looks = {name: prepare(of) for name, prepare in KINDS.items()}
    before = {name: look() for name, look in looks.items()}
    for _ in range(4):
        aws.kill()
        aws.start()
        assert {name: look() for name, look in looks.items()} == before


SYNCS = [
    ("items", r"dynamodb/journal\.", "the journal's content"),
    ("compacted", r"aws/dynamodb$", "the names of journals and snapshots"),
    ("compacted", r"dynamodb/snapshot\.", "a snapshot's content"),
    ("objects", r"lake-bucket/.*/current\.tmp$", "an object's content"),
    ("objects", r"lake-bucket/.*pending\.tmp$", "an object's metadata"),
    ("objects", r"day=1$", "an object's name"),
    ("objects", r"lake-bucket/layer$", "an object's directory, and a deletion"),
    ("objects", r"lake-bucket$", "a directory in a bucket"),
    ("accounts", r"services/\.cognito.*", "a service's state"),
    ("accounts", r"cognito-pool-keys$", "the keys that sign tokens"),
    ("accounts", r"aws/services$", "the name of a service's state"),
    ("queue_message", r"services/\.sqs.*", "a queue's messages"),
    ("catalog", r"services/\.glue.*", "the lake's catalogue"),
]


@pytest.mark.parametrize(("kind", "pattern", "what"), SYNCS, ids=[what for _, _, what in SYNCS])
def test_without_one_of_the_syncs_it_is_lost(
    kind: str, pattern: str, what: str, aws: PoweredAws, of: ClientOf
) -> None:
    aws.disk.never_sync(pattern)
    look = KINDS[kind](of)
    before = look()
    aws.kill()
    try:
        aws.start()
        after = look()
    except (LocalAwsError, ClientError, BotoCoreError, KeyError, IndexError):
        after = None
    assert after != before, f"{what} was kept without a sync"


def test_nobody_is_told_what_is_not_on_the_disk(aws: PoweredAws, of: ClientOf) -> None:
    arn = make_table(of("dynamodb"), "work")
    of("dynamodb").put_item(TableName="work", Item=item("before"))
    told: list[Any] = []
    requests: list[Callable[[], Any]] = [
        lambda: of("dynamodb").put_item(TableName="work", Item=item("after")),
        lambda: of("dynamodb").get_item(TableName="work", Key=item("after")).get("Item"),
        lambda: all_items(of("dynamodb"), "work"),
        lambda: records(of("dynamodbstreams"), arn),
    ]

    def ask(request: Callable[[], Any]) -> None:
        with suppress(ClientError, BotoCoreError):
            told.append(request())

    aws.disk.hold_syncs(r"dynamodb/journal")
    threads = [threading.Thread(target=ask, args=[request]) for request in requests]
    threads[0].start()
    journal = next((aws.directory / "aws/dynamodb").glob("journal.*"))
    until(lambda: b'"after"' in journal.read_bytes(), "the write is in the journal")
    for thread in threads[1:]:
        thread.start()
    for _ in range(20):
        of("sqs").list_queues()  # enough turns of the server for the others to be answered, if they were
    assert told == []
    aws.kill()
    for thread in threads:
        thread.join()
    aws.start()
    assert [pk for pk, _ in all_items(of("dynamodb"), "work")] == ["before"]


def test_what_a_killed_run_left_is_on_the_disk_before_the_next_one_serves(
    aws: PoweredAws, of: ClientOf
) -> None:
    aws.disk.never_sync(r"aws/(dynamodb|s3)")
    looks = [items(of), objects(of)]
    LocalAws.kill(aws)
    aws.disk.never_sync("")
    aws.start()
    seen = [look() for look in looks]
    aws.kill()
    aws.start()
    assert [look() for look in looks] == seen


def test_power_lost_under_load(aws: PoweredAws, monkeypatch: pytest.MonkeyPatch) -> None:
    aws.stop()
    monkeypatch.setenv("LOCAL_AWS_COMPACT_BYTES", "30000")
    aws.start()
    assert kill_while_writing(aws, rounds=8) > 250


def versions(aws: PoweredAws, stop: threading.Event) -> Iterator[tuple[str, int]]:
    """Overwrite an object without pause; yield the number of each version before it is sent and when it is stored."""
    s3, number = client(aws, "s3"), 0
    while not stop.is_set():
        number += 1
        body = b"%d " % number * (number % 50 + 1)
        yield "sent", number
        s3.put_object(Bucket=BUCKET, Key=KEY, Body=body, Metadata={"number": str(number)})
        yield "stored", number


def test_an_object_that_is_overwritten_is_never_a_mixture(aws: PoweredAws, of: ClientOf) -> None:
    of("s3").create_bucket(Bucket=BUCKET)
    for _ in range(12):
        last, stop = {"sent": 0, "stored": 0}, threading.Event()

        def overwrite(last: dict[str, int] = last, stop: threading.Event = stop) -> None:
            with suppress(ClientError, BotoCoreError):
                last.update(pair for pair in versions(aws, stop))

        writer = threading.Thread(target=overwrite)
        writer.start()
        while last["stored"] < 5:
            threading.Event().wait(0.01)
        aws.kill()
        stop.set()
        writer.join()
        aws.start()
        found = of("s3").get_object(Bucket=BUCKET, Key=KEY)
        number = int(found["Metadata"]["number"])
        assert number in (last["stored"], last["sent"]), json.dumps(last)
        assert found["Body"].read() == b"%d " % number * (number % 50 + 1)
