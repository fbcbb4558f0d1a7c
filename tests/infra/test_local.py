"""The templates create in the local AWS, and what they create works together."""

import io
import json
import socket
import time
import zipfile

import pytest

from etl.lake.catalog import GOLD_TABLES, SILVER_TABLES, glue_tables
from localcloud.server import LocalAws
from tests.infra import awscli
from tests.infra.cloud import ACCOUNT, REGION, Cloud

pytestmark = pytest.mark.slow
PATIENCE_SECONDS = 120


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def eventually(look, what):
    """Return the first truthy answer of `look`; fail when none comes."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.3)
    return found


@pytest.fixture(scope="module")
def cloud(tmp_path_factory):
    server = LocalAws(tmp_path_factory.mktemp("aws"), free_port())
    server.start()
    yield Cloud(server.endpoint_url)
    server.kill()


@pytest.fixture(scope="module")
def outputs(cloud, dev):
    return cloud.deploy(dev.folder)


def test_all_four_stacks_are_created(outputs):
    stacks = ("DataStack", "EtlStack", "ApiStack", "MonitoringStack")
    assert list(outputs) == [f"todo-dev-{stack}" for stack in stacks]


def test_the_table_has_its_indexes_stream_and_expiry(cloud, outputs):
    dynamodb = cloud.client("dynamodb")
    table = dynamodb.describe_table(TableName="todo-app-data")["Table"]
    assert sorted(i["IndexName"] for i in table["GlobalSecondaryIndexes"]) == [f"GSI{n}" for n in range(1, 6)]
    assert table["LatestStreamArn"] == outputs["todo-dev-DataStack"]["StreamArn"]
    ttl = dynamodb.describe_time_to_live(TableName="todo-app-data")["TimeToLiveDescription"]
    assert ttl["TimeToLiveStatus"] == "ENABLED"


def tables(cloud):
    found = cloud.client("glue").get_tables(DatabaseName="todo_analytics")["TableList"]
    return {table["Name"]: table for table in found}


def test_the_catalogue_is_complete(cloud, outputs):
    assert set(tables(cloud)) == {"cdc", "requests", *SILVER_TABLES, *GOLD_TABLES}


def test_a_change_of_the_table_reaches_bronze(cloud, outputs):
    """Through the deployed function, its mapping and its role."""
    dynamodb, s3 = cloud.client("dynamodb"), cloud.client("s3")
    for key in ("SESSION#1", "TASK#alice"):
        item = {"PK": {"S": key}, "SK": {"S": "TASK#1"}, "version": {"N": "1"}, "title": {"S": "Pay rent"}}
        dynamodb.put_item(TableName="todo-app-data", Item=item)
    bucket = outputs["todo-dev-EtlStack"]["BronzeBucket"]

    def delivered():
        return s3.list_objects_v2(Bucket=bucket, Prefix="cdc/").get("Contents")

    (found,) = eventually(delivered, "a file in Bronze")
    assert "/user_bucket=" in found["Key"]
    assert found["Key"].endswith(".parquet")


@pytest.fixture(scope="module")
def paged(cloud, outputs):
    """What the topic told since it was asked last: the alarms that are raised."""
    sqs, topic = cloud.client("sqs"), outputs["todo-dev-MonitoringStack"]["AlarmTopicArn"]
    queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:pager"
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    url = sqs.create_queue(QueueName="pager", Attributes={"Policy": policy})["QueueUrl"]
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)

    def names():
        found = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10).get(
            "Messages", ()
        )
        for message in found:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        said = [json.loads(json.loads(message["Body"])["Message"]) for message in found]
        return {each["AlarmName"] for each in said if each["NewStateValue"] == "ALARM"}

    return names


def test_an_injected_error_raises_its_alarm_which_reaches_the_topic(cloud, paged):
    error = {
        "MetricName": "Errors",
        "Dimensions": [{"Name": "FunctionName", "Value": "todo-cdc-processor"}],
        "Value": 6,
    }
    cloud.client("cloudwatch").put_metric_data(Namespace="AWS/Lambda", MetricData=[error])
    # The local AWS takes a metric of one function for that of all: other alarms may be told too.
    assert eventually(lambda: "todo-dev-capture-errors" in paged(), "a message")


def test_a_change_that_is_given_up_is_kept_whole_and_raises_its_alarm(cloud, outputs, paged):
    """Through the deployed function and its queue; the queue's length is not measured by the local AWS."""
    record = {"eventID": "1", "eventName": "INSERT", "dynamodb": {"SequenceNumber": "7", "Keys": {"PK": "?"}}}
    answer = cloud.client("lambda").invoke(
        FunctionName="todo-cdc-processor", Payload=json.dumps({"Records": [record]}).encode()
    )
    assert json.loads(answer["Payload"].read()) == {"batchItemFailures": []}
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName="todo-cdc-failures")["QueueUrl"]
    kept = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, VisibilityTimeout=0)["Messages"]
    assert [json.loads(message["Body"])["record"] for message in kept] == [record]
    waiting = {
        "MetricName": "ApproximateNumberOfMessagesVisible",
        "Dimensions": [{"Name": "QueueName", "Value": "todo-cdc-failures"}],
        "Value": len(kept),
    }
    cloud.client("cloudwatch").put_metric_data(Namespace="AWS/SQS", MetricData=[waiting])
    assert eventually(lambda: "todo-dev-capture-failures" in paged(), "a message")


def test_every_alarm_that_is_raised_reaches_the_topic(cloud, paged):
    cloudwatch = cloud.client("cloudwatch")
    alarms = {each["AlarmName"] for each in cloudwatch.describe_alarms()["MetricAlarms"]}
    for name in alarms:
        for state in ("OK", "ALARM"):
            cloudwatch.set_alarm_state(AlarmName=name, StateValue=state, StateReason="injected")
    told = set()
    eventually(lambda: told.update(paged()) or told >= alarms, "all messages")
    assert len(alarms) > 20


@pytest.fixture
def lake_tables(cloud, outputs, monkeypatch):
    """The custom resource's module, talking to the local AWS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.options["endpoint_url"])
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    from etl.aws import client
    from infra.handlers import lake_tables

    client.cache_clear()
    yield lake_tables
    client.cache_clear()


def properties(outputs):
    buckets = {
        f"{layer}Bucket": outputs["todo-dev-EtlStack"][f"{layer}Bucket"]
        for layer in ("Bronze", "Silver", "Gold")
    }
    return {"Database": "todo_analytics", **buckets}


def test_a_deployment_keeps_the_published_snapshot_and_adds_columns(cloud, outputs, lake_tables):
    published = "s3://anywhere/gold/kpi_daily/snapshot=42/"
    definition = tables(cloud)["kpi_daily"]
    wanted = definition["StorageDescriptor"]["Columns"]
    definition["StorageDescriptor"] |= {"Location": published, "Columns": wanted[:1]}
    kept = ("Name", "TableType", "Parameters", "StorageDescriptor", "PartitionKeys")
    cloud.client("glue").update_table(
        DatabaseName="todo_analytics",
        TableInput={name: definition[name] for name in kept if name in definition},
    )
    lake_tables.ensure(properties(outputs))
    after = tables(cloud)["kpi_daily"]["StorageDescriptor"]
    assert (after["Location"], after["Columns"]) == (published, wanted)


def test_a_missing_table_comes_back(cloud, outputs, lake_tables):
    for name in ("task_events", "tasks"):
        cloud.client("glue").delete_table(DatabaseName="todo_analytics", Name=name)
    lake_tables.ensure(properties(outputs))
    names = {"silver_bucket": properties(outputs)["SilverBucket"], "bronze_bucket": "", "gold_bucket": ""}
    wanted = {table["Name"]: table for table in glue_tables(database="todo_analytics", **names)}
    found = tables(cloud)
    location = wanted["task_events"]["StorageDescriptor"]["Location"]
    assert found["task_events"]["StorageDescriptor"]["Location"] == location
    assert found["tasks"]["ViewOriginalText"] == wanted["tasks"]["ViewOriginalText"]


def test_a_failure_is_answered_and_logged(outputs, lake_tables, monkeypatch, capsys):
    answers = []
    monkeypatch.setattr(lake_tables, "_respond", lambda _, outcome: answers.append(outcome))
    event = {"RequestType": "Create", "ResourceProperties": {**properties(outputs), "Database": "missing"}}
    lake_tables.handler(event, None)
    lake_tables.handler({**event, "RequestType": "Delete"}, None)
    assert [answer["Status"] for answer in answers] == ["FAILED", "SUCCESS"]
    assert "EntityNotFoundException" in answers[0]["Reason"]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["level"], line["operation"]) for line in lines] == [
        ("ERROR", "ensure_tables"),
        ("INFO", "ensure_tables"),
    ]


def test_the_deployed_secret_fills_the_web_functions_settings(cloud, outputs):
    arn = outputs["todo-dev-ApiStack"]["SecretKeyArn"]
    assert len(cloud.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]) == 64


def web_function(cloud, role):
    """Create what Zappa would."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        package.writestr("handler.py", "def lambda_handler(event, context): pass")
    cloud.client("lambda").create_function(
        FunctionName="todo-dev",
        Runtime="python3.13",
        Role=role,
        Handler="handler.lambda_handler",
        Code={"ZipFile": archive.getvalue()},
    )


@pytest.fixture
def filled(cloud, outputs):
    """What the reader of a runbook fills in, and what must be there before; by name."""
    stacks = {name: value for found in outputs.values() for name, value in found.items()}
    web_function(cloud, stacks["WebRoleArn"])
    cloud.client("cognito-idp").admin_create_user(
        UserPoolId=stacks["UserPoolId"], Username="person@example.com", MessageAction="SUPPRESS"
    )
    cloud.client("cognito-idp").admin_set_user_password(
        UserPoolId=stacks["UserPoolId"],
        Username="person@example.com",
        Password="Correct-Horse-9",
        Permanent=True,
    )
    for bucket, key in (
        ("SilverBucket", "silver/_current.json"),
        ("SilverBucket", "silver/_before.json"),
        ("GoldBucket", "gold/_current.json"),
    ):
        cloud.client("s3").put_object(Bucket=stacks[bucket], Key=key, Body=b"{}")
    mappings = cloud.client("lambda").list_event_source_mappings(FunctionName="todo-cdc-processor")
    return {
        "STAGE": "dev",
        "CLIENT_ID": stacks["ClientId"],
        "USER_POOL_ID": stacks["UserPoolId"],
        "TABLE_NAME": stacks["TableName"],
        "DEMO_PASSWORD": "Correct-Horse-9",
        "BRONZE_BUCKET": stacks["BronzeBucket"],
        "SILVER_BUCKET": stacks["SilverBucket"],
        "GOLD_BUCKET": stacks["GoldBucket"],
        "GLUE_DATABASE": stacks["GlueDatabase"],
        "CDC_FAILURE_QUEUE_URL": stacks["FailureQueueUrl"],
        "LAKE_MACHINE_ARN": stacks["LakeMachineArn"],
        "name": "person@example.com",
        "stack": "todo-dev-EtlStack",
        "id": mappings["EventSourceMappings"][0]["UUID"],
        "CAPTURE_FUNCTION": stacks["CaptureFunction"],
        "SECRET_KEY_ARN": stacks["SecretKeyArn"],
        "stream": stacks["StreamArn"],
        "$(…)": stacks["LakeMachineArn"],
    }


# Checked against the model only.
NOT_RUN = {
    "cloudformation continue-update-rollback": "needs an update that failed",
    "dynamodb list-backups": "the local AWS keeps no backups",
    "dynamodb restore-table-from-backup": "needs a table that is gone, and its backup",
    "dynamodb wait": "waits for the table that was restored",
    "lambda delete-event-source-mapping": "would end the capture that other commands look at",
    "lambda create-event-source-mapping": "would be a second one for the stream",
    "sesv2 create-email-identity": "somebody's own domain",
    "acm request-certificate": "somebody's own domain",
}


def test_the_commands_of_the_runbooks_are_answered(cloud, filled):
    refused = {}
    for path in awscli.DOCUMENTS:
        for line in awscli.lines(path):
            command = awscli.read(line, filled)
            name = f"{command.service} {command.operation}"
            if name in NOT_RUN or (command.is_mention and "put" in command.operation):
                continue
            try:
                command.run(cloud.options)
            except Exception as error:  # noqa: BLE001  all of them are shown together
                refused[f"{path.name}: {line}"] = repr(error)
    assert not refused, "\n".join(f"{line}\n    {error}" for line, error in refused.items())
