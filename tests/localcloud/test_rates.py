"""What AWS takes in a second, and at once, is counted: one call more gets AWS's own error."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.server import LocalAws, LocalAwsError
from localcloud.settings import ROOT
from tests.localcloud.conftest import ClientOf, client, free_port
from tests.localcloud.dynamo import make_table
from tests.localcloud.lake import make_lake
from tests.localcloud.stacks import eventually

HOURLY = 1 / 3600  # a second, so that no test is slow enough to be given another


@pytest.fixture
def limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], LocalAws]]:
    """Return a function that starts a server with its own rates."""
    made: list[LocalAws] = []

    def start(rates: str) -> LocalAws:
        monkeypatch.setenv("LOCAL_AWS_RATES", rates)
        made.append(LocalAws(tmp_path / f"aws-{len(made)}", free_port()))
        made[-1].start()
        return made[-1]

    yield start
    for server in made:
        server.kill()


def of(server: LocalAws) -> ClientOf:
    return lambda service: client(server, service)


def outcome(call: Callable[[], Any]) -> str:
    """The code of the error that a call ends with; "" for none."""
    try:
        call()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def test_a_category_of_cognito_takes_its_burst_and_no_more(limited: Callable[[str], LocalAws]) -> None:
    server = limited(f"UserList={HOURLY}/2")
    cognito = of(server)("cognito-idp")
    pool = cognito.create_user_pool(PoolName="p")["UserPool"]["Id"]
    asked = [outcome(lambda: cognito.list_users(UserPoolId=pool)) for _ in range(3)]
    assert asked == ["", "", "TooManyRequestsException"]
    with pytest.raises(ClientError, match="Rate exceeded"):
        cognito.list_users(UserPoolId=pool)
    cognito.describe_user_pool(UserPoolId=pool)  # another category
    lines = [line for line in server.log.read_text().splitlines() if line.startswith("limit exceeded")]
    assert len(lines) == 2
    assert lines[0].startswith("limit exceeded: cognito-idp ListUsers: ")


def test_time_brings_another_call(limited: Callable[[str], LocalAws]) -> None:
    cognito = of(limited("UserList=0.5/1"))("cognito-idp")
    pool = cognito.create_user_pool(PoolName="p")["UserPool"]["Id"]
    cognito.list_users(UserPoolId=pool)
    eventually(lambda: outcome(lambda: cognito.list_users(UserPoolId=pool)) == "")


def test_athena_takes_queries_at_its_rate(limited: Callable[[str], LocalAws]) -> None:
    server = limited(f"StartQueryExecution={HOURLY}/1")
    make_lake(of(server), "lake")
    athena = of(server)("athena")
    started = [
        outcome(lambda: athena.start_query_execution(QueryString="SELECT 1", WorkGroup="lake"))
        for _ in range(2)
    ]
    assert started == ["", "ThrottlingException"]


def test_a_partition_takes_its_units_and_leaves_the_others_alone(limited: Callable[[str], LocalAws]) -> None:
    server = limited(f"WriteUnits={HOURLY}/4,ReadUnits={HOURLY}/1")
    dynamodb = of(server)("dynamodb")
    make_table(dynamodb, "things")

    def put(key: str) -> str:
        item = {"PK": {"S": key}, "SK": {"S": "s"}, "text": {"S": "x" * 2000}}
        return outcome(lambda: dynamodb.put_item(TableName="things", Item=item))

    def get(key: str) -> str:
        place = {"PK": {"S": key}, "SK": {"S": "s"}}
        return outcome(lambda: dynamodb.get_item(TableName="things", Key=place, ConsistentRead=True))

    beyond = "ProvisionedThroughputExceededException"
    assert [put("a"), put("a"), put("a"), put("b")] == ["", "", beyond, ""]
    assert [get("a"), get("a"), get("b")] == ["", beyond, ""]
    change = {"Key": {"PK": {"S": "a"}, "SK": {"S": "s"}}, "TableName": "things"}
    with pytest.raises(ClientError) as caught:
        dynamodb.transact_write_items(TransactItems=[{"Delete": change}])
    assert caught.value.response["Error"]["Code"] == "TransactionCanceledException"
    assert [each["Code"] for each in caught.value.response["CancellationReasons"]] == ["ThrottlingError"]


def test_a_query_is_about_the_partition_that_it_names(limited: Callable[[str], LocalAws]) -> None:
    dynamodb = of(limited(f"ReadUnits={HOURLY}/1"))("dynamodb")
    make_table(dynamodb, "things")

    def query(key: str) -> str:
        return outcome(
            lambda: dynamodb.query(
                TableName="things",
                KeyConditionExpression="#k = :k",
                ExpressionAttributeNames={"#k": "PK"},
                ExpressionAttributeValues={":k": {"S": key}},
                ConsistentRead=True,
            )
        )

    assert [query("a"), query("a"), query("b")] == ["", "ProvisionedThroughputExceededException", ""]


def test_the_figures_are_those_of_the_documents() -> None:
    """The code is read, not imported: it needs ministack."""
    module = ast.parse((ROOT / "localcloud" / "aws" / "rates.py").read_text())
    (rates,) = (
        ast.literal_eval(node.value)
        for node in module.body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "RATES" and node.value
    )
    rows = (ROOT / "docs" / "limits.md").read_text().splitlines()
    for name, (rate, burst) in rates.items():
        (row,) = (row for row in rows if row.startswith("| ") and f"`{name}`" in row.split(" | ")[0])
        after = f", {burst:,} after a pause" if burst != rate else ""
        assert row.split(" | ")[1] == f"{rate:,} a second{after}"
    assert any(row.startswith("| Athena queries that run or wait | 25 at once |") for row in rows)


def test_a_rate_that_there_is_not_is_refused(limited: Callable[[str], LocalAws]) -> None:
    with pytest.raises(LocalAwsError, match="there is no UserLists"):
        limited("UserLists=1")
