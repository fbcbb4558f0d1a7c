"""What AWS refuses for its size or shape is refused, at the bound and not before."""

from __future__ import annotations

import ast
import json
import random
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud.server import LocalAws
from localcloud.settings import ROOT
from tests.localcloud.conftest import ClientOf, client, free_port
from tests.localcloud.functions import ACCOUNT, Gateway, make_function, make_gateway
from tests.localcloud.lake import finished, make_lake, parquet, table_input
from tests.localcloud.roles import allow, make_role
from tests.localcloud.stacks import stack_status

LAMBDA_ANSWER = 6_291_556


def refused(call: Callable[[], Any]) -> tuple[str, str]:
    """Code and text of the error that a call ends with."""
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


# --- bounds in the models, one of each kind and protocol ---


def test_a_text_has_the_length_of_the_model(shared: ClientOf, name: str) -> None:
    make_lake(shared, name)

    def ask(length: int) -> Any:
        return shared("athena").start_query_execution(
            QueryString="SELECT ?", WorkGroup=name, ExecutionParameters=["'" + "x" * (length - 2) + "'"]
        )

    ask(1024)
    code, text = refused(lambda: ask(1025))
    assert code == "InvalidRequestException"
    assert text == (
        "1 validation error detected: Value at 'executionParameters.1.member' failed to satisfy "
        "constraint: Member must have length less than or equal to 1024"
    )


def test_a_list_has_the_length_of_the_model(shared: ClientOf, name: str) -> None:
    database = make_lake(shared, name)
    location = f"s3://{name}/t/"
    shared("glue").create_table(
        DatabaseName=database,
        TableInput=table_input("t", location, {"id": "string"}, {"day": "string"}),
    )

    def create(count: int) -> Any:
        partitions = [
            {"Values": [f"{count}-{number}"], "StorageDescriptor": {"Location": location}}
            for number in range(count)
        ]
        return shared("glue").batch_create_partition(
            DatabaseName=database, TableName="t", PartitionInputList=partitions
        )

    create(100)
    code, text = refused(lambda: create(101))
    assert code in {"ValidationException", "InvalidInputException"}
    assert "'partitionInputList' failed" in text


def test_a_name_has_the_characters_of_the_model_also_beyond_ascii(shared: ClientOf, name: str) -> None:
    pool = shared("cognito-idp").create_user_pool(PoolName=name)["UserPool"]["Id"]

    def create(username: str) -> Any:
        return shared("cognito-idp").admin_create_user(
            UserPoolId=pool, Username=username, MessageAction="SUPPRESS"
        )

    create("jörg.größe@example.com")
    code, text = refused(lambda: create("two words"))
    assert code == "InvalidParameterException"
    assert "'username' failed to satisfy constraint: Member must satisfy regular expression pattern" in text


def test_a_choice_is_one_of_the_model(shared: ClientOf, name: str) -> None:
    wanted = {"TableName": name, "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}]}
    attribute = {"AttributeName": "PK", "AttributeType": "X"}
    code, text = refused(
        lambda: shared("dynamodb").create_table(
            **wanted, AttributeDefinitions=[attribute], BillingMode="PAY_PER_REQUEST"
        )
    )
    assert (code, "enum value set: [S, N, B]" in text) == ("ValidationException", True)


def test_a_number_has_the_range_of_the_model_in_a_rest_protocol(shared: ClientOf, name: str) -> None:
    role = make_role(shared, name, "lambda.amazonaws.com")
    make_function(shared, name, role, MemorySize=128)
    update = shared("lambda").update_function_configuration
    code, text = refused(lambda: update(FunctionName=name, MemorySize=100_000))
    assert (code, "'memorySize' failed" in text) == ("ValidationException", True)


def test_the_path_of_a_rest_protocol_is_checked_too(shared: ClientOf) -> None:
    _, text = refused(lambda: shared("lambda").get_function(FunctionName="no function has this name"))
    assert "'functionName' failed" in text


def test_the_query_protocol_is_checked(shared: ClientOf, name: str) -> None:
    create = shared("iam").create_role
    document = json.dumps({"Version": "2012-10-17", "Statement": []})
    create(RoleName=(name * 6)[:64], AssumeRolePolicyDocument=document)
    code, text = refused(lambda: create(RoleName="r" * 65, AssumeRolePolicyDocument=document))
    assert (code, "'roleName' failed" in text) == ("ValidationError", True)


def test_cloudwatchs_protocol_is_checked(shared: ClientOf) -> None:
    dimensions = [{"Name": f"d{number}", "Value": "v"} for number in range(31)]

    def put(count: int) -> Any:
        metric = {"MetricName": "m", "Value": 1.0, "Dimensions": dimensions[:count]}
        return shared("cloudwatch").put_metric_data(Namespace="Ours", MetricData=[metric])

    put(30)
    assert "dimensions' failed" in refused(lambda: put(31))[1]


def test_an_empty_name_is_refused_by_the_server_too(shared_aws: LocalAws) -> None:
    """botocore checks lower bounds before it sends: other clients do not."""
    unchecked = client(shared_aws, "secretsmanager", Config(parameter_validation=False))
    assert "'name' failed" in refused(lambda: unchecked.create_secret(Name="", SecretString="s"))[1]


# By service: a call that exceeds one bound of its model, and the member that is beyond it.
BEYOND: dict[str, tuple[str, dict[str, Any], str]] = {
    "athena": ("GetNamedQuery", {"NamedQueryId": ""}, "namedQueryId"),
    "cloudformation": ("DescribeChangeSet", {"ChangeSetName": "1"}, "changeSetName"),
    "cloudwatch": ("DescribeAlarms", {"MaxRecords": 101}, "maxRecords"),
    "cognito-idp": ("ListUserPools", {"MaxResults": 61}, "maxResults"),
    "dynamodb": ("ListTables", {"Limit": 101}, "limit"),
    "dynamodbstreams": ("ListStreams", {"Limit": 0}, "limit"),
    "events": ("ListRules", {"Limit": 101}, "limit"),
    "firehose": ("ListDeliveryStreams", {"Limit": 10_001}, "limit"),
    "glue": ("GetTables", {"DatabaseName": "d", "MaxResults": 101}, "maxResults"),
    "iam": ("ListRoles", {"MaxItems": 1001}, "maxItems"),
    "kms": ("ListKeys", {"Limit": 1001}, "limit"),
    "lambda": ("GetFunction", {"FunctionName": "f" * 1000}, "functionName"),
    "logs": ("DescribeLogGroups", {"limit": 51}, "limit"),
    "secretsmanager": ("ListSecrets", {"MaxResults": 101}, "maxResults"),
    "sns": ("CreateTopic", {"Name": "t", "Tags": [{"Key": "k" * 129, "Value": ""}]}, "tags.1.member.key"),
    "sqs": (
        "SendMessage",
        {
            "QueueUrl": "q",
            "MessageBody": "b",
            "MessageSystemAttributes": {"Nothing": {"DataType": "String", "StringValue": "v"}},
        },
        "messageSystemAttributes.key",
    ),
    "ssm": ("GetParameters", {"Names": ["n"] * 11}, "names"),
    "stepfunctions": ("ListStateMachines", {"maxResults": 1001}, "maxResults"),
    "sts": ("AssumeRole", {"RoleArn": "r" * 20, "RoleSessionName": "s" * 65}, "roleSessionName"),
}


def test_every_model_has_its_case() -> None:
    """The list is read, not imported: it needs ministack."""
    module = ast.parse((ROOT / "localcloud" / "aws" / "model_limits.py").read_text())
    (models,) = (
        node.value
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "MODELS"
    )
    assert set(ast.literal_eval(models).values()) == set(BEYOND)


@pytest.mark.parametrize("service", BEYOND)
def test_every_service_is_held_to_its_model(shared_aws: LocalAws, service: str) -> None:
    call, given, member = BEYOND[service]
    unchecked = client(shared_aws, service, Config(parameter_validation=False))
    assert (
        f"'{member}' failed to satisfy constraint"
        in refused(lambda: getattr(unchecked, xform_name(call))(**given))[1]
    )


def test_the_log_says_which_limit_was_exceeded(shared_aws: LocalAws, shared: ClientOf) -> None:
    refused(lambda: shared("stepfunctions").create_state_machine(name="n" * 81, definition="{}", roleArn="r"))
    lines = [line for line in shared_aws.log.read_text().splitlines() if "CreateStateMachine" in line]
    assert lines
    assert lines[-1].startswith("limit exceeded (states): CreateStateMachine: 1 validation error detected")


# --- limits that no model states ---


@pytest.fixture
def gateway(shared_aws: LocalAws, shared: ClientOf, name: str) -> Gateway:
    role = make_role(shared, f"{name}-run", "lambda.amazonaws.com")
    function = make_function(shared, name, role, Timeout=30)
    caller = make_role(shared, name, "apigateway.amazonaws.com", allow(["lambda:InvokeFunction"], function))
    return make_gateway(shared_aws, shared, name, function, caller)


def test_a_function_answers_with_at_most_6_megabytes(shared: ClientOf, name: str) -> None:
    make_function(shared, name, make_role(shared, name, "lambda.amazonaws.com"), Timeout=30)

    def answer(size: int) -> dict[str, Any]:
        asked = json.dumps({"answer_bytes": size}).encode()
        return dict(shared("lambda").invoke(FunctionName=name, Payload=asked))

    within = answer(LAMBDA_ANSWER)
    assert ("FunctionError" in within, len(within["Payload"].read())) == (False, LAMBDA_ANSWER)
    beyond = answer(LAMBDA_ANSWER + 1)
    assert beyond["FunctionError"] == "Unhandled"
    assert json.loads(beyond["Payload"].read()) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": f"Response payload size exceeded maximum allowed payload size ({LAMBDA_ANSWER} bytes).",
    }


def test_beyond_the_answer_of_a_function_the_gateway_answers_502(gateway: Gateway) -> None:
    assert gateway.post({"size": 6_000_000})[0] == 200
    status, _, body = gateway.post({"size": LAMBDA_ANSWER})
    assert (status, json.loads(body)) == (502, {"message": "Internal server error"})


def test_the_gateway_takes_bodies_of_at_most_10_megabytes(gateway: Gateway) -> None:
    assert gateway.post({}, raw=b"{}" + b" " * (10 * 2**20 - 2))[0] == 200
    status, _, body = gateway.post({}, raw=b" " * (10 * 2**20 + 1))
    assert (status, json.loads(body)) == (413, {"message": "Request Too Long"})


def test_the_gateway_takes_headers_of_at_most_10240_bytes(gateway: Gateway) -> None:
    assert gateway.post({}, headers={"X-Long": "x" * 9_000})[0] == 200
    assert gateway.post({}, headers={"X-Long": "x" * 10_240})[0] == 431
    assert gateway.post({"headers": {"X-Long": "x" * 9_000}})[0] == 200
    assert gateway.post({"headers": {"X-Long": "x" * 10_240}})[0] == 500


ANSWERED = """
renamed Authorization
renamed Connection
renamed Content-MD5
renamed Date
renamed Max-Forwards
renamed Server
renamed User-Agent
renamed WWW-Authenticate
dropped Expect
dropped Host
dropped Proxy-Authenticate
dropped TE
dropped Trailer
dropped Upgrade
dropped Via
passed Age
passed Cache-Control
passed ETag
passed Link
passed Location
passed Pragma
passed Retry-After
passed Vary
passed X-Request-ID
"""


@pytest.mark.parametrize(("done", "header"), [line.split() for line in ANSWERED.split("\n") if line])
def test_the_gateway_passes_renames_or_drops_the_headers_of_an_answer(
    gateway: Gateway, done: str, header: str
) -> None:
    """As API Gateway's important notes say. The values of `Date` and `Server` are those of whoever answers last."""
    _, headers, _ = gateway.post({"headers": {header: "ours"}})
    seen = {name.lower() for name, value in headers.items() if value == "ours"}
    wanted = {"renamed": {f"x-amzn-remapped-{header.lower()}"}, "dropped": set(), "passed": {header.lower()}}
    assert seen == wanted[done]


def test_the_gateway_keeps_what_is_meant_for_the_next_server(gateway: Gateway, shared_aws: LocalAws) -> None:
    withheld = ("Content-MD5", "Max-Forwards", "Proxy-Authenticate", "Server", "TE", "WWW-Authenticate")
    passed = ("Authorization", "Cookie", "Date", "Range", "Referer", "User-Agent", "Via")
    headers = {
        **dict.fromkeys((*withheld, *passed), "theirs"),
        "Host": f"{gateway.api}.execute-api.localhost",
    }
    request = urllib.request.Request(f"{shared_aws.endpoint_url}/live/any", headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        event = json.loads(answer.read())
    assert {name.lower() for name, value in event["headers"].items() if value == "theirs"} == {
        name.lower() for name in passed
    }


def test_a_functions_environment_has_at_most_4_kilobytes(shared: ClientOf, name: str) -> None:
    role = make_role(shared, name, "lambda.amazonaws.com")

    def variables(size: int) -> dict[str, Any]:
        return {"Variables": {"NAME": "x" * (size - len("NAME"))}}

    make_function(shared, name, role, Environment=variables(4096))
    code, text = refused(lambda: make_function(shared, f"{name}-2", role, Environment=variables(4097)))
    assert (code, "exceeded the 4KB limit" in text) == ("InvalidParameterValueException", True)
    update = shared("lambda").update_function_configuration
    assert "4KB" in refused(lambda: update(FunctionName=name, Environment=variables(4097)))[1]


@pytest.mark.parametrize(("size", "status"), [(4096, "CREATE_COMPLETE"), (4097, "ROLLBACK_COMPLETE")])
def test_a_stacks_function_has_an_environment_of_at_most_4_kilobytes(
    shared: ClientOf, name: str, size: int, status: str
) -> None:
    """CloudFormation creates it past the service's API."""
    properties = {
        "FunctionName": name,
        "Role": make_role(shared, name, "lambda.amazonaws.com"),
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Code": {"ZipFile": "def handler(event, context): pass"},
        "Environment": {"Variables": {"NAME": "x" * (size - len("NAME"))}},
    }
    function = {"Type": "AWS::Lambda::Function", "Properties": properties}
    ended, reasons = stack_status(shared, name, {"Function": function})
    assert (ended, "exceeded the 4KB limit" in reasons) == (status, size > 4096)


def test_one_call_publishes_at_most_1000_metrics(shared: ClientOf) -> None:
    def put(count: int) -> Any:
        metrics = [{"MetricName": f"m{number}", "Value": 1.0} for number in range(count)]
        return shared("cloudwatch").put_metric_data(Namespace="Ours", MetricData=metrics)

    put(1000)
    assert "must not have a size greater than 1000" in refused(lambda: put(1001))[1]


def test_a_query_that_reads_more_than_its_workgroup_allows_is_cancelled(shared: ClientOf, name: str) -> None:
    database = make_lake(shared, name)
    shared("glue").create_table(
        DatabaseName=database, TableInput=table_input("t", f"s3://{name}/t/", {"id": "string"})
    )
    body = parquet(id=[random.randbytes(30).hex() for _ in range(60_000)])
    for number in range(4):  # each less than the smallest limit that AWS takes, all together more
        shared("s3").put_object(Bucket=name, Key=f"t/{number}.parquet", Body=body)
    group = {"ConfigurationUpdates": {"BytesScannedCutoffPerQuery": 10_000_000}}

    def run() -> dict[str, Any]:
        started = shared("athena").start_query_execution(
            QueryString=f"SELECT count(*) FROM {database}.t",
            WorkGroup=name,
        )
        return finished(shared("athena"), started["QueryExecutionId"])["Status"]

    assert len(body) * 4 > 10_000_000 > len(body)
    assert run()["State"] == "SUCCEEDED"
    shared("athena").update_work_group(WorkGroup=name, **group)
    status = run()
    assert (status["State"], status["StateChangeReason"]) == (
        "CANCELLED",
        "Bytes scanned limit was exceeded",
    )


# --- DynamoDB's sizes ---


def schema(hash_key: str, range_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": hash_key, "KeyType": "HASH"},
        {"AttributeName": range_key, "KeyType": "RANGE"},
    ]


@pytest.fixture
def table(shared: ClientOf, name: str) -> str:
    """A table with an index of each kind."""
    everything = {"Projection": {"ProjectionType": "ALL"}}
    shared("dynamodb").create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=schema("PK", "SK"),
        AttributeDefinitions=[
            {"AttributeName": key, "AttributeType": "S"} for key in ("PK", "SK", "GPK", "GSK", "LSK")
        ],
        GlobalSecondaryIndexes=[
            {"IndexName": "global", "KeySchema": schema("GPK", "GSK"), **everything},
        ],
        LocalSecondaryIndexes=[
            {"IndexName": "local", "KeySchema": schema("PK", "LSK"), **everything},
        ],
    )
    return name


@pytest.mark.parametrize(
    ("partition", "sort", "body", "taken"),
    [
        (2048, 1024, 0, True),
        (2049, 1024, 0, False),
        (2048, 1025, 0, False),
        (1, 1, 400 * 1024 - 10, True),
        (1, 1, 400 * 1024, False),
    ],
)
def test_keys_and_items_have_the_sizes_of_dynamodb(
    shared: ClientOf, table: str, partition: int, sort: int, body: int, taken: bool
) -> None:
    texts = {"PK": "p" * partition, "SK": "s" * sort, **({"B": "b" * body} if body else {})}
    item = {name: {"S": text} for name, text in texts.items()}
    if taken:
        put(shared, table, item)
    else:
        assert refused(lambda: put(shared, table, item))[0] == "ValidationException"


def put(of: ClientOf, table: str, item: dict[str, Any]) -> Any:
    return of("dynamodb").put_item(TableName=table, Item=item)


def update(of: ClientOf, table: str, item: dict[str, Any]) -> Any:
    others = [name for name in item if name not in {"PK", "SK"}]
    return of("dynamodb").update_item(
        TableName=table,
        Key={name: item[name] for name in ("PK", "SK")},
        UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in others),
        ExpressionAttributeValues={f":{name}": item[name] for name in others},
    )


def batch(of: ClientOf, table: str, item: dict[str, Any]) -> Any:
    return of("dynamodb").batch_write_item(RequestItems={table: [{"PutRequest": {"Item": item}}]})


def transact(of: ClientOf, table: str, item: dict[str, Any]) -> Any:
    return of("dynamodb").transact_write_items(TransactItems=[{"Put": {"TableName": table, "Item": item}}])


@pytest.mark.parametrize("write", [put, update, batch, transact])
@pytest.mark.parametrize(
    ("index", "key", "limit"), [("global", "GPK", 2048), ("global", "GSK", 1024), ("local", "LSK", 1024)]
)
def test_keys_of_indexes_have_the_sizes_of_dynamodb(
    shared: ClientOf, table: str, write: Any, index: str, key: str, limit: int
) -> None:
    item = {"PK": {"S": "p"}, "SK": {"S": "s"}, "GPK": {"S": "g"}, "GSK": {"S": "h"}}
    write(shared, table, item | {key: {"S": "é" * (limit // 2)}})
    code, text = refused(lambda: write(shared, table, item | {key: {"S": "é" * (limit // 2) + "x"}}))
    assert code == "ValidationException"
    assert text == (
        f"One or more parameter values were invalid: Size limit exceeded for Index Key {key} "
        f"Actual Size: {limit + 1} bytes Max Size: {limit} bytes IndexName: {index}"
    )


@pytest.mark.parametrize("index", ["", "global"])
def test_a_query_asks_for_keys_that_items_can_have(shared: ClientOf, table: str, index: str) -> None:
    of_index = {"IndexName": index} if index else {}
    partition, sort = ("GPK", "GSK") if index else ("PK", "SK")

    def query(hash_bytes: int, range_bytes: int) -> Any:
        return shared("dynamodb").query(
            TableName=table,
            KeyConditionExpression=f"{partition} = :p AND #sort BETWEEN :low AND :high",
            ExpressionAttributeNames={"#sort": sort},
            ExpressionAttributeValues={
                ":p": {"S": "p" * hash_bytes},
                ":low": {"S": "s"},
                ":high": {"S": "s" * range_bytes},
            },
            **of_index,
        )

    query(2048, 1024)
    for sizes, word in (((2049, 1024), "hash"), ((2048, 1025), "range")):
        code, text = refused(lambda sizes=sizes: query(*sizes))
        assert (code, f"Aggregated size of all {word} keys has exceeded" in text) == (
            "ValidationException",
            True,
        )


def test_an_expression_means_what_its_values_and_names_say(shared: ClientOf, table: str) -> None:
    """It is parsed once, however often it is sent."""
    for name in "abc":
        put(shared, table, {"PK": {"S": "p"}, "SK": {"S": name}, "X": {"S": name}, "Y": {"S": "b"}})

    def query(low: str, attribute: str) -> list[str]:
        found = shared("dynamodb").query(
            TableName=table,
            KeyConditionExpression="PK = :p AND SK BETWEEN :low AND :high",
            FilterExpression="#name = :b",
            ExpressionAttributeNames={"#name": attribute},
            ExpressionAttributeValues={
                ":p": {"S": "p"},
                ":low": {"S": low},
                ":high": {"S": "c"},
                ":b": {"S": "b"},
            },
        )
        return [item["SK"]["S"] for item in found["Items"]]

    for low, attribute, keys in (("a", "Y", "abc"), ("b", "Y", "bc"), ("a", "X", "b"), ("c", "X", "")):
        assert query(low, attribute) == list(keys)


def test_an_expression_has_at_most_4_kilobytes(shared: ClientOf, table: str) -> None:
    def get(length: int) -> Any:
        key = {"PK": {"S": "p"}, "SK": {"S": "s"}}
        return shared("dynamodb").get_item(TableName=table, Key=key, ProjectionExpression="a" * length)

    get(255)
    assert refused(lambda: get(4097))[0] == "ValidationException"


@pytest.mark.parametrize("letter", ["a", "語", "😀", '"'])
@pytest.mark.parametrize(("number", "taken"), [(40, True), (42, False)])
def test_a_transaction_has_4_megabytes_of_items_as_they_are_stored(
    shared: ClientOf, table: str, letter: str, number: int, taken: bool
) -> None:
    body = letter * (100 * 1024 // len(letter.encode()))
    items = [{"PK": {"S": f"{place}"}, "SK": {"S": "s"}, "B": {"S": body}} for place in range(number)]
    puts = [{"Put": {"TableName": table, "Item": item}} for item in items]
    write = lambda: shared("dynamodb").transact_write_items(TransactItems=puts)  # noqa: E731
    if taken:
        write()
    else:
        code, text = refused(write)
        assert (code, "4MB" in text) == ("ValidationException", True)


# --- concurrency ---


@contextmanager
def running(of: ClientOf, name: str, folder: Path) -> Iterator[None]:
    """A function that runs for as long as the block does."""
    done = folder / "done"
    with ThreadPoolExecutor(1) as pool:
        invoked = pool.submit(_once_there_is_room, of, name, json.dumps({"until": str(done)}))
        try:
            deadline = time.monotonic() + 120
            while not (folder / "done.begun").exists():
                assert not invoked.done(), invoked.result()
                assert time.monotonic() < deadline
                time.sleep(0.05)
            yield
        finally:
            done.touch()
        assert "FunctionError" not in invoked.result()


def _once_there_is_room(of: ClientOf, name: str, asked: str) -> Any:
    """Invoke the function, again if one that just ended still counts."""
    while True:
        try:
            return of("lambda").invoke(FunctionName=name, Payload=asked)
        except of("lambda").exceptions.TooManyRequestsException:
            time.sleep(0.2)


@pytest.fixture
def busy(shared: ClientOf, name: str, tmp_path: Path) -> Iterator[str]:
    """The name of a function that may run once at a time, and runs."""
    make_function(shared, name, make_role(shared, f"{name}-run", "lambda.amazonaws.com"), Timeout=120)
    shared("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    with running(shared, name, tmp_path):
        yield name


def _throttled(of: ClientOf, name: str) -> dict[str, Any]:
    """Return the error of an invocation that is refused, {} of one that is not."""
    try:
        of("lambda").invoke(FunctionName=name, Payload=b"{}")
    except ClientError as error:
        return dict(error.response)
    return {}


def test_a_function_runs_no_more_often_at_once_than_it_reserves(shared: ClientOf, busy: str) -> None:
    error = _throttled(shared, busy)
    assert error["Error"]["Code"] == "TooManyRequestsException"
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 429


def test_the_gateway_hides_that_a_function_runs_too_often(
    shared_aws: LocalAws, shared: ClientOf, busy: str
) -> None:
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{busy}"
    role = make_role(shared, busy, "apigateway.amazonaws.com", allow(["lambda:InvokeFunction"], arn))
    status, _, body = make_gateway(shared_aws, shared, busy, arn, role).post({})
    assert (status, body) == (500, b'{"message": "Internal server error"}')


def test_all_functions_together_run_no_more_often_at_once_than_the_account_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A new account may have 10"""
    monkeypatch.setenv("LAMBDA_ACCOUNT_CONCURRENCY", "1")
    server = LocalAws(tmp_path, free_port())
    server.start()
    try:
        of = lambda service: client(server, service)  # noqa: E731
        for one in (name, f"{name}-2"):
            make_function(of, one, make_role(of, f"{one}-run", "lambda.amazonaws.com"), Timeout=120)
        assert of("lambda").get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 1
        with running(of, name, tmp_path):
            error = _throttled(of, f"{name}-2")
            assert error["Error"]["Code"] == "TooManyRequestsException"
    finally:
        server.kill()


# --- mail ---


@pytest.fixture
def few_mails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ClientOf]:
    """Clients of a server whose pools may send two mails a day."""
    monkeypatch.setenv("LOCAL_AWS_MAILS_A_DAY", "2")
    server = LocalAws(tmp_path, free_port())
    server.start()
    yield lambda service: client(server, service)
    server.kill()


class Pool:
    """A user pool that mails a code to each address."""

    def __init__(self, of: ClientOf, **options: Any) -> None:
        self.cognito = of("cognito-idp")
        made = self.cognito.create_user_pool(PoolName="p", AutoVerifiedAttributes=["email"], **options)
        self.id = made["UserPool"]["Id"]
        app = self.cognito.create_user_pool_client(UserPoolId=self.id, ClientName="c")
        self.app = app["UserPoolClient"]["ClientId"]

    def sign_up(self, name: str) -> None:
        attributes = [{"Name": "email", "Value": f"{name}@example.com"}]
        self.cognito.sign_up(
            ClientId=self.app, Username=name, Password="Secret-123!", UserAttributes=attributes
        )

    def users(self) -> list[str]:
        return sorted(user["Username"] for user in self.cognito.list_users(UserPoolId=self.id)["Users"])


def test_cognito_sends_a_few_mails_a_day_for_each_pool(few_mails: ClientOf) -> None:
    pool = Pool(few_mails)
    for name in ("ann", "bob"):
        pool.sign_up(name)
    code, text = refused(lambda: pool.sign_up("cid"))
    assert (code, text[:26]) == ("LimitExceededException", "Exceeded daily email limit")
    assert pool.users() == ["ann", "bob"]
    Pool(few_mails).sign_up("cid")


def test_a_sender_of_its_own_lifts_the_limit_but_not_out_of_the_sandbox(few_mails: ClientOf) -> None:
    ses = few_mails("sesv2")
    ses.create_email_identity(EmailIdentity="todo.example")
    source = f"arn:aws:ses:us-east-1:{ACCOUNT}:identity/todo.example"
    sender = {"EmailSendingAccount": "DEVELOPER", "SourceArn": source, "From": "no-reply@todo.example"}
    pool = Pool(few_mails, EmailConfiguration=sender)
    for name in ("ann", "bob", "cid"):
        pool.sign_up(name)
    details = {"MailType": "TRANSACTIONAL", "WebsiteURL": "https://todo.example"}
    ses.put_account_details(**details, ProductionAccessEnabled=False)
    code, text = refused(lambda: pool.sign_up("dan"))
    assert code == "CodeDeliveryFailureException"
    assert "dan@example.com" in text
    ses.create_email_identity(EmailIdentity="eve@example.com")
    pool.sign_up("eve")
