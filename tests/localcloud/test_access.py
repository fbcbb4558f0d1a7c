"""A service, or a program, may do what its role may, and no more: each rule with and without its grant."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore import xform_name
from botocore.exceptions import ClientError

from etl.lake.catalog import REQUEST_LINES
from localcloud.roles import roles
from localcloud.server import LocalAws, LocalAwsError
from tests.localcloud.conftest import ClientOf, client, free_port
from tests.localcloud.dynamo import item, make_table
from tests.localcloud.functions import ACCOUNT, Gateway, make_function, make_gateway
from tests.localcloud.lake import finished, firehose_role, make_lake, parquet, table_input
from tests.localcloud.roles import allow, as_program, as_role, make_role, permit
from tests.localcloud.stacks import eventually, stack_status

INVOKE = ["lambda:InvokeFunction"]
GATEWAY_ERROR = (500, {"message": "Internal server error"})
GLUE = f"arn:aws:glue:us-east-1:{ACCOUNT}"
UNTRUSTED = "because no trust policy lets it assume the role"


@pytest.fixture
def function(shared: ClientOf, name: str) -> str:
    """ARN of a function whose role trusts Lambda alone."""
    return make_function(shared, name, make_role(shared, f"{name}-run", "lambda.amazonaws.com"))


# --- API Gateway ---


@pytest.fixture
def gateway(shared_aws: LocalAws, shared: ClientOf, name: str, function: str) -> Gateway:
    """An API that calls the function in the role `name`."""
    role = make_role(shared, name, "apigateway.amazonaws.com", allow(INVOKE, function))
    return make_gateway(shared_aws, shared, name, function, role)


def answer(gateway: Gateway) -> tuple[int, Any]:
    status, _, body = gateway.post({})
    return status, (json.loads(body) if status != 200 else body.decode())


def test_the_gateway_calls_a_function_in_a_role_that_trusts_it(gateway: Gateway) -> None:
    assert answer(gateway) == (200, "xx")


def test_without_the_trust_of_its_role_the_gateway_answers_500_and_the_log_says_why(
    shared_aws: LocalAws, shared: ClientOf, gateway: Gateway, name: str
) -> None:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    shared("iam").update_assume_role_policy(RoleName=name, PolicyDocument=document)
    assert answer(gateway) == GATEWAY_ERROR
    line = (
        f"access denied (API Gateway): apigateway.amazonaws.com is not authorized to perform: sts:AssumeRole on "
        f"resource: arn:aws:iam::{ACCOUNT}:role/{name} because no trust policy lets it assume the role"
    )
    assert line in shared_aws.log.read_text().splitlines()


def test_without_the_grant_of_its_role_the_gateway_answers_500(
    shared: ClientOf, gateway: Gateway, name: str
) -> None:
    permit(shared, name)
    assert answer(gateway) == GATEWAY_ERROR


def test_without_its_role_the_gateway_answers_500(
    shared_aws: LocalAws, shared: ClientOf, gateway: Gateway, name: str
) -> None:
    permit(shared, name)
    shared("iam").delete_role(RoleName=name)
    assert answer(gateway) == GATEWAY_ERROR
    assert f"role/{name} because there is no such role" in shared_aws.log.read_text()


def test_what_a_policy_denies_no_other_one_allows(
    shared_aws: LocalAws, shared: ClientOf, gateway: Gateway, name: str, function: str
) -> None:
    """In a service's call and in a request."""
    permit(shared, name, allow(["*"], "*"), {**allow(INVOKE, function), "Effect": "Deny"})
    assert answer(gateway) == GATEWAY_ERROR
    with pytest.raises(ClientError, match=r"lambda:InvokeFunction.*explicit deny"):
        as_role(shared_aws, "lambda", name).invoke(FunctionName=name)
    said = f"lambda:InvokeFunction on resource: {function} because of an explicit deny"
    lines = [line for line in shared_aws.log.read_text().splitlines() if said in line]
    assert [line.partition(":")[0] for line in lines] == ["access denied (API Gateway)", "access denied"]


def test_an_alias_is_another_resource_than_the_function(
    shared_aws: LocalAws, shared: ClientOf, name: str, function: str
) -> None:
    shared("lambda").create_alias(FunctionName=name, Name="live", FunctionVersion="$LATEST")
    role = make_role(shared, name, "apigateway.amazonaws.com", allow(INVOKE, function))
    api = make_gateway(shared_aws, shared, name, f"{function}:live", role)
    assert answer(api) == GATEWAY_ERROR
    permit(shared, name, allow(INVOKE, f"{function}:*"))
    assert answer(api) == (200, "xx")


def test_without_a_role_the_function_itself_has_to_let_the_gateway_in(
    shared_aws: LocalAws, shared: ClientOf, name: str, function: str
) -> None:
    api = make_gateway(shared_aws, shared, name, function)
    assert answer(api) == GATEWAY_ERROR
    shared("lambda").add_permission(
        FunctionName=name,
        StatementId="gateway",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:{ACCOUNT}:{api.api}/*",
    )
    assert answer(api) == (200, "xx")


# --- Lambda, Step Functions, EventBridge ---


def test_lambda_creates_no_function_whose_role_does_not_trust_it(shared: ClientOf, name: str) -> None:
    role = make_role(shared, name, "glue.amazonaws.com")
    with pytest.raises(ClientError, match="cannot be assumed by Lambda"):
        make_function(shared, name, role)


@pytest.mark.parametrize("missing", [None, "logs:CreateLogStream", "logs:PutLogEvents"])
def test_lambda_writes_a_functions_log_with_the_grants_of_its_role(
    shared: ClientOf, name: str, missing: str | None
) -> None:
    group = f"/aws/lambda/{name}"
    shared("logs").create_log_group(logGroupName=group)
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}:*"
    verbs = [verb for verb in ("logs:CreateLogStream", "logs:PutLogEvents") if verb != missing]
    make_function(shared, name, make_role(shared, name, "lambda.amazonaws.com", allow(verbs, arn)))
    answer = shared("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert "FunctionError" not in answer, "it runs without a log, too"
    lines = [event["message"] for event in shared("logs").filter_log_events(logGroupName=group)["events"]]
    assert any(line.startswith("START RequestId") for line in lines) is (missing is None)
    assert (lines == []) is (missing is not None)


def test_lambda_makes_a_missing_log_group_with_the_grant_for_it(shared: ClientOf, name: str) -> None:
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/lambda/{name}:*"
    verbs = ["logs:CreateLogStream", "logs:PutLogEvents"]
    make_function(shared, name, make_role(shared, name, "lambda.amazonaws.com", allow(verbs, arn)))

    def groups() -> list[str]:
        found = shared("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{name}")["logGroups"]
        return [group["logGroupName"] for group in found]

    shared("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert groups() == []
    permit(shared, name, allow([*verbs, "logs:CreateLogGroup"], arn))
    shared("lambda").invoke(FunctionName=name, Payload=b"{}")
    assert groups() == [f"/aws/lambda/{name}"]


LIST_RUNS = "arn:aws:states:::aws-sdk:sfn:listExecutions"


def make_machine(
    shared: ClientOf, name: str, resource: str, role: str, parameters: dict[str, str] | None = None
) -> str:
    """A machine of one state, which calls a function or, with parameters, a service; return its ARN."""
    given = {"Parameters": parameters} if parameters else {}
    states = {"Call": {"Type": "Task", "Resource": resource, "End": True, **given}}
    definition = json.dumps({"StartAt": "Call", "States": states})
    made = shared("stepfunctions").create_state_machine(name=name, definition=definition, roleArn=role)
    return str(made["stateMachineArn"])


def outcome(shared: ClientOf, machine: str) -> Any:
    """How an execution ends."""
    started = shared("stepfunctions").start_execution(stateMachineArn=machine)["executionArn"]
    run = lambda: shared("stepfunctions").describe_execution(executionArn=started)  # noqa: E731
    eventually(lambda: run()["status"] != "RUNNING")
    return run()


def test_an_execution_calls_functions_in_the_role_of_its_machine(
    shared: ClientOf, name: str, function: str
) -> None:
    role = make_role(shared, name, "states.amazonaws.com", allow(INVOKE, function))
    machine = make_machine(shared, name, function, role)
    assert outcome(shared, machine)["status"] == "SUCCEEDED"
    permit(shared, name)
    failed = outcome(shared, machine)
    assert (failed["status"], failed["error"]) == ("FAILED", "Lambda.AWSLambdaException")
    assert "not authorized to perform: lambda:InvokeFunction" in failed["cause"]


def test_an_execution_calls_services_in_the_role_of_its_machine(shared: ClientOf, name: str) -> None:
    arn = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{name}"
    role = make_role(shared, name, "states.amazonaws.com", allow(["states:ListExecutions"], arn))
    machine = make_machine(shared, name, LIST_RUNS, role, {"StateMachineArn": arn})
    assert outcome(shared, machine)["status"] == "SUCCEEDED"
    permit(shared, name, allow(["states:ListExecutions"], f"{arn}-2"))
    failed = outcome(shared, machine)
    assert (failed["status"], failed["error"]) == ("FAILED", "Sfn.AccessDeniedException")
    assert f"not authorized to perform: states:ListExecutions on resource: {arn} " in failed["cause"]


@pytest.mark.parametrize("what", ["a function", "a service"])
def test_an_execution_needs_a_role_that_trusts_step_functions(
    shared: ClientOf, name: str, function: str, what: str
) -> None:
    resource, parameters = (function, None) if what == "a function" else (LIST_RUNS, {"StateMachineArn": "$"})
    role = make_role(shared, name, "lambda.amazonaws.com", allow([*INVOKE, "states:*"], "*"))
    failed = outcome(shared, make_machine(shared, name, resource, role, parameters))
    assert failed["status"] == "FAILED"
    assert "states.amazonaws.com is not authorized to perform: sts:AssumeRole" in failed["cause"]


def test_a_rule_starts_a_machine_in_the_role_of_its_target(
    shared_aws: LocalAws, shared: ClientOf, name: str, function: str
) -> None:
    runner = make_role(shared, f"{name}-m", "states.amazonaws.com", allow(INVOKE, function))
    machine = make_machine(shared, name, function, runner)
    role = make_role(shared, name, "events.amazonaws.com")
    events = shared("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": machine, "RoleArn": role}])
    event = {"Source": name, "DetailType": "test", "Detail": "{}"}
    events.put_events(Entries=[event])
    refused = f"role/{name} is not authorized to perform: states:StartExecution"
    eventually(lambda: refused in shared_aws.log.read_text())
    permit(shared, name, allow(["states:StartExecution"], machine))
    events.put_events(Entries=[event])
    listed = shared("stepfunctions").list_executions
    assert len(eventually(lambda: listed(stateMachineArn=machine)["executions"])) == 1


def test_a_rule_calls_a_function_that_lets_this_rule_in(
    shared_aws: LocalAws, shared: ClientOf, name: str, function: str
) -> None:
    permit(shared, f"{name}-run", allow(["logs:*"], "*"))  # its log tells that it ran
    events = shared("events")
    rule = events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))["RuleArn"]
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": function}])
    event = {"Source": name, "DetailType": "test", "Detail": "{}"}
    events.put_events(Entries=[event])
    refused = (
        f"events.amazonaws.com is not authorized to perform: lambda:InvokeFunction on resource: {function}"
    )
    eventually(lambda: refused in shared_aws.log.read_text())
    shared("lambda").add_permission(
        FunctionName=name,
        StatementId="rule",
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn=rule,
    )
    events.put_events(Entries=[event])
    groups = {"logGroupName": f"/aws/lambda/{name}"}
    eventually(
        lambda: [
            group
            for group in shared("logs").describe_log_groups()["logGroups"]
            if group["logGroupName"] == groups["logGroupName"]
        ]
    )


# --- event source mapping ---

READS = ("dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator")


@pytest.mark.parametrize("missing", [None, *READS, "dynamodb:ListStreams", "sqs:SendMessage"])
def test_a_mapping_needs_a_role_that_reads_the_stream_and_reaches_the_queue(
    shared: ClientOf, name: str, missing: str | None
) -> None:
    stream = make_table(shared("dynamodb"), name)
    url = shared("sqs").create_queue(QueueName=name)["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{url.rpartition('/')[2]}"
    grants = [(list(READS), stream), (["dynamodb:ListStreams"], "*"), (["sqs:SendMessage"], queue)]
    kept = [allow([action for action in actions if action != missing], where) for actions, where in grants]
    role = make_role(
        shared, name, "lambda.amazonaws.com", *(statement for statement in kept if statement["Action"])
    )
    make_function(shared, name, role)

    def create() -> str:
        made = shared("lambda").create_event_source_mapping(
            FunctionName=name,
            EventSourceArn=stream,
            StartingPosition="LATEST",
            DestinationConfig={"OnFailure": {"Destination": queue}},
        )
        return str(made["UUID"])

    if missing is None:
        shared("lambda").delete_event_source_mapping(UUID=create())
    else:
        with pytest.raises(ClientError, match=f"Cannot access stream.*{missing}"):
            create()


# --- CloudFormation, which creates these past their services' API ---


@pytest.mark.parametrize(
    ("service", "status"),
    [("lambda.amazonaws.com", "CREATE_COMPLETE"), ("glue.amazonaws.com", "ROLLBACK_COMPLETE")],
)
def test_a_stacks_function_needs_a_role_that_trusts_lambda(
    shared: ClientOf, name: str, service: str, status: str
) -> None:
    properties = {
        "FunctionName": name,
        "Role": make_role(shared, name, service),
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Code": {"ZipFile": "def handler(event, context): pass"},
    }
    function = {"Type": "AWS::Lambda::Function", "Properties": properties}
    ended, reasons = stack_status(shared, name, {"Function": function})
    assert (ended, UNTRUSTED in reasons) == (status, status != "CREATE_COMPLETE")


@pytest.mark.parametrize("missing", [None, *READS, "dynamodb:ListStreams"])
def test_a_stacks_mapping_needs_a_role_that_reads_the_stream(
    shared: ClientOf, name: str, missing: str | None
) -> None:
    stream = make_table(shared("dynamodb"), name)
    granted = [action for action in (*READS, "dynamodb:ListStreams") if action != missing]
    make_function(shared, name, make_role(shared, name, "lambda.amazonaws.com", allow(granted, "*")))
    properties = {"FunctionName": name, "EventSourceArn": stream, "StartingPosition": "LATEST"}
    mapping = {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}
    ended, reasons = stack_status(shared, name, {"Mapping": mapping})
    assert ended == ("ROLLBACK_COMPLETE" if missing else "CREATE_COMPLETE")
    assert (f"not authorized to perform: {missing}" in reasons) is bool(missing)


# --- Firehose, CloudWatch ---


@pytest.fixture
def delivery(shared: ClientOf, name: str) -> Callable[[], Any]:
    """Put a record into a stream that converts it for a table."""
    database = make_lake(shared, name)
    table = table_input("t", f"s3://{name}/t/", {"id": "string"})
    shared("glue").create_table(DatabaseName=database, TableInput=table)
    role = firehose_role(shared, name, database)
    serializers: dict[str, Any] = {
        "InputFormatConfiguration": {"Deserializer": {"OpenXJsonSerDe": {}}},
        "OutputFormatConfiguration": {"Serializer": {"ParquetSerDe": {}}},
    }
    schema = {"DatabaseName": database, "TableName": "t", "RoleARN": role}
    shared("firehose").create_delivery_stream(
        DeliveryStreamName=name,
        ExtendedS3DestinationConfiguration={
            "RoleARN": role,
            "BucketARN": f"arn:aws:s3:::{name}",
            "Prefix": "t/",
            "DataFormatConversionConfiguration": {
                "Enabled": True,
                "SchemaConfiguration": schema,
                **serializers,
            },
        },
    )
    return lambda: shared("firehose").put_record(DeliveryStreamName=name, Record={"Data": b'{"id": "1"}'})


DELIVERY = [
    *(f"glue:{verb}" for verb in ("GetTable", "GetTableVersion", "GetTableVersions")),
    *(f"s3:{verb}" for verb in ("GetBucketLocation", "ListBucket", "ListBucketMultipartUploads")),
    *("s3:PutObject", "s3:AbortMultipartUpload"),
]


@pytest.mark.parametrize("missing", DELIVERY)
def test_firehose_reads_the_schema_and_writes_in_the_role_of_the_stream(
    shared: ClientOf, name: str, delivery: Callable[[], Any], missing: str
) -> None:
    delivery()
    role = f"{name}-firehose"
    policy = shared("iam").get_role_policy(RoleName=role, PolicyName="all")["PolicyDocument"]
    for statement in policy["Statement"]:
        statement["Action"] = [action for action in statement["Action"] if action != missing]
    permit(shared, role, *policy["Statement"])
    with pytest.raises(ClientError, match=f"not authorized to perform: {missing}"):
        delivery()


PUTS = ("firehose:PutRecord", "firehose:PutRecordBatch")


@pytest.mark.parametrize("missing", PUTS)
def test_a_log_subscription_needs_a_role_that_puts_records(shared: ClientOf, name: str, missing: str) -> None:
    stream = f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/{name}"
    shared("logs").create_log_group(logGroupName=name)
    role = make_role(shared, name, "logs.amazonaws.com", allow(list(PUTS), stream))
    wanted = {"logGroupName": name, "filterName": "f", "filterPattern": "", "destinationArn": stream}
    shared("logs").put_subscription_filter(**wanted, roleArn=role)
    permit(shared, name, allow([action for action in PUTS if action != missing], stream))
    with pytest.raises(ClientError, match=rf"Could not deliver test message.*{missing} "):
        shared("logs").put_subscription_filter(**wanted, roleArn=role)


def test_lines_of_a_subscription_whose_role_lost_its_grant_are_dropped(
    shared_aws: LocalAws, shared: ClientOf, name: str
) -> None:
    stream, logs = f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/{name}", shared("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="one")
    role = make_role(shared, name, "logs.amazonaws.com", allow(list(PUTS), stream))
    logs.put_subscription_filter(
        logGroupName=name, filterName="f", filterPattern=REQUEST_LINES, destinationArn=stream, roleArn=role
    )
    permit(shared, name)
    line = {"timestamp": round(time.time() * 1000), "message": '{"message": "request"}'}
    logs.put_log_events(logGroupName=name, logStreamName="one", logEvents=[line])
    refused = f"access denied (log subscription): {role} is not authorized to perform: firehose:PutRecord on"
    eventually(lambda: refused in shared_aws.log.read_text())


def test_nothing_is_delivered_for_a_subscription_that_is_gone(
    shared_aws: LocalAws, shared: ClientOf, name: str
) -> None:
    """Its role may be gone, too; lines of one that stays show when the others would have been delivered"""
    stream, logs = f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/{name}", shared("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="one")
    roles = {}
    for which, pattern in (("gone", '{ $.message = "second" }'), ("stays", '{ $.message = "*" }')):
        roles[which] = make_role(shared, f"{name}-{which}", "logs.amazonaws.com", allow(list(PUTS), stream))
        logs.put_subscription_filter(
            logGroupName=name,
            filterName=which,
            filterPattern=pattern,
            destinationArn=stream,
            roleArn=roles[which],
        )
        permit(shared, f"{name}-{which}")

    def say(message: str) -> None:
        line = {"timestamp": round(time.time() * 1000), "message": json.dumps({"message": message})}
        logs.put_log_events(logGroupName=name, logStreamName="one", logEvents=[line])

    def refused(which: str) -> int:
        said = f"access denied (log subscription): {roles[which]} is not authorized"
        return shared_aws.log.read_text().count(said)

    say("first")
    eventually(lambda: refused("stays") == 1)  # the next round of deliveries is a second away
    say("second")
    logs.delete_subscription_filter(logGroupName=name, filterName="gone")
    eventually(lambda: refused("stays") == 2)
    assert not refused("gone")


@pytest.mark.parametrize("missing", ["logs:CreateLogStream", "logs:PutLogEvents"])
def test_a_gateway_logs_in_the_role_that_its_account_names(
    shared_aws: LocalAws, shared: ClientOf, gateway: Gateway, name: str, missing: str
) -> None:
    shared("logs").create_log_group(logGroupName=name)
    granted = ["logs:CreateLogStream", "logs:PutLogEvents"]
    role = make_role(shared, f"{name}-logs", "apigateway.amazonaws.com", allow(granted, "*"))
    account = {"op": "replace", "path": "/cloudwatchRoleArn", "value": role}
    shared("apigateway").update_account(patchOperations=[account])
    values = {"destinationArn": f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}", "format": "a line"}
    patch = [
        {"op": "replace", "path": f"/accessLogSettings/{field}", "value": value}
        for field, value in values.items()
    ]
    shared("apigateway").update_stage(restApiId=gateway.api, stageName="live", patchOperations=patch)
    written = lambda: len(shared("logs").filter_log_events(logGroupName=name)["events"])  # noqa: E731
    answer(gateway)
    assert written() == 1
    permit(shared, f"{name}-logs", allow([action for action in granted if action != missing], "*"))
    answer(gateway)
    assert written() == 1
    assert f"access denied (access log): {role} is not authorized to perform: {missing}" in (
        shared_aws.log.read_text()
    )


@dataclass(frozen=True)
class Pager:
    """An alarm, its topic, and a queue that gets what the topic is told."""

    of: ClientOf
    topic: str
    url: str
    alarm: str

    def let_in(self, service: str) -> None:
        """Replace the topic's policy."""
        statement = {**allow(["sns:Publish"], self.topic), "Principal": {"Service": service}}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.of("sns").set_topic_attributes(
            TopicArn=self.topic, AttributeName="Policy", AttributeValue=policy
        )

    def messages(self) -> int:
        """Raise the alarm; return how many messages that made."""
        for state in ("OK", "ALARM"):
            self.of("cloudwatch").set_alarm_state(AlarmName=self.alarm, StateValue=state, StateReason="test")
        return len(self.of("sqs").receive_message(QueueUrl=self.url).get("Messages", []))


@pytest.fixture
def pager(shared: ClientOf, name: str) -> Pager:
    topic = shared("sns").create_topic(Name=name)["TopicArn"]
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    anybody = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue}
    attributes = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [anybody]})}
    url = shared("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    shared("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    shared("cloudwatch").put_metric_alarm(
        AlarmName=name,
        MetricName="m",
        Namespace="n",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
    )
    return Pager(shared, topic, url, name)


def test_an_alarm_reaches_a_topic_whose_policy_lets_cloudwatch_in(shared_aws: LocalAws, pager: Pager) -> None:
    pager.let_in("budgets.amazonaws.com")
    assert pager.messages() == 0
    refused = f"cloudwatch.amazonaws.com is not authorized to perform: sns:Publish on resource: {pager.topic}"
    assert refused in shared_aws.log.read_text()
    pager.let_in("cloudwatch.amazonaws.com")
    assert pager.messages() == 1


@pytest.mark.parametrize("missing", ["kms:Decrypt", "kms:GenerateDataKey"])
def test_an_alarm_reaches_an_encrypted_topic_whose_key_lets_cloudwatch_in(
    shared_aws: LocalAws, shared: ClientOf, pager: Pager, missing: str
) -> None:
    def policy(*actions: str) -> str:
        owner = {**allow(["kms:*"], "*"), "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}}
        service = {**allow(list(actions), "*"), "Principal": {"Service": "cloudwatch.amazonaws.com"}}
        return json.dumps({"Version": "2012-10-17", "Statement": [owner, service]})

    uses = ("kms:Decrypt", "kms:GenerateDataKey")
    key = shared("kms").create_key(Policy=policy(*uses))["KeyMetadata"]["Arn"]
    shared("sns").set_topic_attributes(
        TopicArn=pager.topic, AttributeName="KmsMasterKeyId", AttributeValue=key
    )
    pager.let_in("cloudwatch.amazonaws.com")
    assert pager.messages() == 1
    left = policy(*(action for action in uses if action != missing))
    shared("kms").put_key_policy(KeyId=key, PolicyName="default", Policy=left)
    assert pager.messages() == 0
    refused = f"cloudwatch.amazonaws.com is not authorized to perform: {missing} on resource: {key}"
    assert refused in shared_aws.log.read_text()


# --- Athena ---


def reader_grants(name: str, database: str) -> dict[str, list[str]]:
    """What a query needs: action by resources, as Athena's documentation lists them."""
    tables = [f"{GLUE}:catalog", f"{GLUE}:database/{database}", f"{GLUE}:table/{database}/*"]
    bucket, group = f"arn:aws:s3:::{name}", f"arn:aws:athena:us-east-1:{ACCOUNT}:workgroup/{name}"
    athena = ("StartQueryExecution", "GetQueryExecution", "GetQueryResults", "StopQueryExecution")
    return {
        **{f"athena:{verb}": [group] for verb in athena},
        "glue:GetDatabase": [*tables, f"{GLUE}:database/default"],
        "glue:GetTable": tables,
        "s3:GetBucketLocation": [bucket],
        "s3:ListBucket": [bucket],
        "s3:GetObject": [f"{bucket}/*"],
        "s3:PutObject": [f"{bucket}/athena-results/*"],
        "s3:AbortMultipartUpload": [f"{bucket}/athena-results/*"],
        "s3:ListMultipartUploadParts": [f"{bucket}/athena-results/*"],
    }


@pytest.fixture
def reader(shared_aws: LocalAws, shared: ClientOf, name: str) -> Callable[..., list[str]]:
    """`reader(grants)` asks Athena in a role with these grants; returns the rows."""
    database = make_lake(shared, name)
    shared("glue").create_table(
        DatabaseName=database, TableInput=table_input("t", f"s3://{name}/t/", {"id": "string"})
    )
    shared("s3").put_object(Bucket=name, Key="t/1.parquet", Body=parquet(id=["a"]))
    make_role(shared, name, "lambda.amazonaws.com")

    def ask(grants: dict[str, list[str]]) -> list[str]:
        permit(shared, name, *(allow([action], *where) for action, where in grants.items()))
        athena = as_role(shared_aws, "athena", name)
        sql = f"SELECT id FROM {database}.t"
        started = athena.start_query_execution(QueryString=sql, WorkGroup=name)["QueryExecutionId"]
        status = finished(athena, started)["Status"]
        assert status["State"] == "SUCCEEDED", status.get("StateChangeReason")
        rows = athena.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"]
        athena.stop_query_execution(QueryExecutionId=started)
        return [row["Data"][0]["VarCharValue"] for row in rows]

    return ask


@pytest.mark.parametrize("missing", [None, *reader_grants("n", "d")])
def test_a_query_reads_and_writes_with_the_grants_of_who_asked(
    reader: Callable[..., list[str]], name: str, missing: str | None
) -> None:
    """That no grant too much is asked for is the case with all of them; that none is forgotten, the others."""
    grants = {
        action: where
        for action, where in reader_grants(name, name.replace("-", "_")).items()
        if action != missing
    }
    if missing is None:
        assert reader(grants) == ["id", "a"]
    else:
        with pytest.raises((ClientError, AssertionError), match=f"not authorized to perform: {missing}"):
            reader(grants)


def test_athena_looks_at_the_database_default(reader: Callable[..., list[str]], name: str) -> None:
    grants = reader_grants(name, name.replace("-", "_"))
    grants["glue:GetDatabase"].remove(f"{GLUE}:database/default")
    with pytest.raises(AssertionError, match=r"glue:GetDatabase on resource: .*database/default"):
        reader(grants)


# --- what a request is about ---


def test_a_stream_is_read_with_a_grant_on_the_stream(
    shared_aws: LocalAws, shared: ClientOf, name: str
) -> None:
    stream = make_table(shared("dynamodb"), name)
    shared("dynamodb").put_item(TableName=name, Item=item("a"))
    make_role(shared, name, "lambda.amazonaws.com", allow(list(READS), stream))
    streams = as_role(shared_aws, "dynamodbstreams", name)

    def read() -> int:
        (shard,) = streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]
        iterator = streams.get_shard_iterator(
            StreamArn=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        return len(streams.get_records(ShardIterator=iterator)["Records"])

    assert read() == 1
    for missing in READS:
        permit(shared, name, allow([action for action in READS if action != missing], stream))
        with pytest.raises(ClientError, match=f"not authorized to perform: {missing}"):
            read()


def test_streams_are_listed_with_a_grant_on_everything(
    shared_aws: LocalAws, shared: ClientOf, name: str
) -> None:
    """AWS knows no resource of this call, neither the table's nor the stream's."""
    stream = make_table(shared("dynamodb"), name)
    make_role(shared, name, "lambda.amazonaws.com", allow(["dynamodb:ListStreams"], "*"))
    streams = as_role(shared_aws, "dynamodbstreams", name)
    assert [each["StreamArn"] for each in streams.list_streams(TableName=name)["Streams"]] == [stream]
    table = stream.partition("/stream/")[0]
    permit(shared, name, allow(["dynamodb:ListStreams"], stream, table, f"{table}/*"))
    with pytest.raises(ClientError, match="not authorized to perform: dynamodb:ListStreams"):
        streams.list_streams(TableName=name)


def test_several_messages_are_deleted_with_the_grant_for_one(
    shared_aws: LocalAws, shared: ClientOf, name: str
) -> None:
    """AWS has no grants for the calls that act on several messages."""
    url = shared("sqs").create_queue(QueueName=name)["QueueUrl"]
    queue = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
    verbs = ["sqs:SendMessage", "sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:DeleteMessage"]
    make_role(shared, name, "lambda.amazonaws.com", allow(verbs, queue))
    sqs = as_role(shared_aws, "sqs", name)

    def work() -> None:
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "a"}])
        (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
        entry = {"Id": "1", "ReceiptHandle": message["ReceiptHandle"]}
        shown = sqs.change_message_visibility_batch(QueueUrl=url, Entries=[entry | {"VisibilityTimeout": 60}])
        assert len(shown["Successful"]) == 1
        assert len(sqs.delete_message_batch(QueueUrl=url, Entries=[entry])["Successful"]) == 1

    work()
    for missing in verbs:
        permit(shared, name, allow([verb for verb in verbs if verb != missing], queue))
        with pytest.raises(ClientError, match=f"not authorized to perform: {missing}"):
            work()


def test_metrics_are_published_within_the_namespace_of_the_grant(
    shared_aws: LocalAws, shared: ClientOf, name: str
) -> None:
    condition = {"StringEquals": {"cloudwatch:namespace": "Ours"}}
    make_role(
        shared,
        name,
        "lambda.amazonaws.com",
        {**allow(["cloudwatch:PutMetricData"], "*"), "Condition": condition},
    )
    cloudwatch = as_role(shared_aws, "cloudwatch", name)
    metric = [{"MetricName": "m", "Value": 1.0}]
    cloudwatch.put_metric_data(Namespace="Ours", MetricData=metric)
    with pytest.raises(ClientError, match="PutMetricData"):
        cloudwatch.put_metric_data(Namespace="Theirs", MetricData=metric)


# By call of Glue: what it is sent, and the resources that it is decided on, for the database {} and the table t.
GLUE_CALLS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "GetDatabase": ({"Name": "{}"}, ["catalog", "database/{}"]),
    "GetTables": ({"DatabaseName": "{}"}, ["catalog", "database/{}", "table/{}/*"]),
    "GetTable": ({"DatabaseName": "{}", "Name": "t"}, ["catalog", "database/{}", "table/{}/t"]),
    "GetPartitions": ({"DatabaseName": "{}", "TableName": "t"}, ["catalog", "database/{}", "table/{}/t"]),
    "UpdateTable": (
        {"DatabaseName": "{}", "TableInput": {"Name": "t"}},
        ["catalog", "database/{}", "table/{}/t"],
    ),
}


@pytest.mark.parametrize(
    ("call", "missing"), [(call, each) for call, (_, needed) in GLUE_CALLS.items() for each in needed]
)
def test_glue_wants_catalog_database_and_tables(
    shared_aws: LocalAws, shared: ClientOf, name: str, call: str, missing: str
) -> None:
    database = make_lake(shared, name)
    shared("glue").create_table(DatabaseName=database, TableInput={"Name": "t"})
    sent, needed = GLUE_CALLS[call]
    given = {key: database if value == "{}" else value for key, value in sent.items()}
    arns = {each: f"{GLUE}:{each.format(database)}" for each in needed}
    make_role(shared, name, "lambda.amazonaws.com", allow([f"glue:{call}"], *arns.values()))
    ask = getattr(as_role(shared_aws, "glue", name), xform_name(call))
    ask(**given)
    permit(shared, name, allow([f"glue:{call}"], *(arn for each, arn in arns.items() if each != missing)))
    with pytest.raises(ClientError, match=f"not authorized to perform: glue:{call} "):
        ask(**given)


def test_log_lines_are_written_with_a_grant_on_their_stream(
    shared_aws: LocalAws, shared: ClientOf, name: str
) -> None:
    shared("logs").create_log_group(logGroupName=name)
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{name}"
    verbs = ["logs:CreateLogStream", "logs:PutLogEvents"]
    make_role(shared, name, "lambda.amazonaws.com", allow(verbs, f"{group}:log-stream:one"))
    logs = as_role(shared_aws, "logs", name)

    def write(stream: str) -> None:
        where = {"logGroupName": name, "logStreamName": stream}
        logs.create_log_stream(**where)
        line = {"timestamp": round(time.time() * 1000), "message": '{"message": "request"}'}
        logs.put_log_events(**where, logEvents=[line])

    write("one")
    with pytest.raises(ClientError, match=f"logs:CreateLogStream on resource: {group}:log-stream:two"):
        write("two")


# --- the programs of `make run` ---


def test_a_program_does_what_its_role_may_in_aws_and_no_more(shared_aws: LocalAws, shared: ClientOf) -> None:
    make_table(shared("dynamodb"), "todo-app-data")
    web = as_program(shared_aws, "dynamodb", "web")
    web.put_item(TableName="todo-app-data", Item=item("a"))
    with pytest.raises(ClientError, match="not authorized to perform: dynamodb:DeleteTable"):
        web.delete_table(TableName="todo-app-data")
    with pytest.raises(ClientError, match="not authorized to perform: dynamodb:Scan"):
        as_program(shared_aws, "dynamodb", "lake").scan(TableName="todo-app-data")


def test_every_program_has_a_role_of_its_own(shared_aws: LocalAws) -> None:
    who = {
        purpose: as_program(shared_aws, "sts", purpose).get_caller_identity()["Arn"] for purpose in roles()
    }
    assert len(set(who.values())) == len(who)
    assert all("assumed-role" in arn for arn in who.values())


# --- records and audits ---


@pytest.fixture
def audited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[LocalAws, Path]]:
    """A server in audit mode, and the file of its decisions."""
    calls = tmp_path / "calls.jsonl"
    monkeypatch.setenv("LOCAL_AWS_CALLS", str(calls))
    monkeypatch.setenv("LOCAL_AWS_AUDIT", "1")
    monkeypatch.delenv("CI", raising=False)
    server = LocalAws(tmp_path / "local", free_port())
    server.start()
    yield server, calls
    server.kill()


def test_an_audit_tells_and_records_what_it_lets_through(audited: tuple[LocalAws, Path]) -> None:
    server, calls = audited
    make_table(client(server, "dynamodb"), "todo-app-data")
    web = as_program(server, "dynamodb", "web")
    web.put_item(TableName="todo-app-data", Item=item("a"))
    web.delete_table(TableName="todo-app-data")
    table = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/todo-app-data"
    principal = f"arn:aws:sts::{ACCOUNT}:assumed-role/todo-local-web/local"
    assert [json.loads(line) for line in calls.read_text().splitlines()] == [
        {
            "principal": principal,
            "action": action,
            "resource": table,
            "allowed": action == "dynamodb:PutItem",
            "via": "",
        }
        for action in ("dynamodb:PutItem", "dynamodb:DeleteTable")
    ]
    assert "not authorized to perform: dynamodb:DeleteTable" in server.log.read_text()


def test_an_audit_is_refused_in_ci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_AWS_AUDIT", "1")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(LocalAwsError, match="not in CI"):
        LocalAws(tmp_path, free_port()).start()
