"""Whoever gives a role to a service needs iam:PassRole for it: each way with and without the grant."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.server import LocalAws
from tests.localcloud.conftest import ClientOf
from tests.localcloud.functions import ACCOUNT, archive
from tests.localcloud.roles import allow, as_role, make_role, permit

EVERYTHING_ELSE = {"Effect": "Allow", "NotAction": ["iam:PassRole"], "Resource": ["*"]}
SERVICES = ("lambda", "states", "glue", "events", "firehose", "logs", "apigateway", "cloudformation")


@dataclass(frozen=True)
class Deployer:
    """Somebody who may do everything but pass roles, beyond what `may_pass` grants; and a role to pass."""

    server: LocalAws
    owner: ClientOf
    name: str
    role: str

    def client(self, service: str) -> Any:
        return as_role(self.server, service, f"{self.name}-deployer")

    def may_pass(self, *statements: dict[str, Any]) -> None:
        permit(self.owner, f"{self.name}-deployer", EVERYTHING_ELSE, *statements)


@pytest.fixture
def deployer(shared_aws: LocalAws, shared: ClientOf, name: str) -> Deployer:
    make_role(shared, f"{name}-deployer", "ec2.amazonaws.com", EVERYTHING_ELSE)
    role = make_role(shared, name, "lambda.amazonaws.com", allow(["firehose:*"], "*"))
    trusted = {"Service": [f"{service}.amazonaws.com" for service in SERVICES]}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": trusted}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    shared("iam").update_assume_role_policy(RoleName=name, PolicyDocument=document)
    return Deployer(shared_aws, shared, name, role)


def function(of: Deployer) -> None:
    of.client("lambda").create_function(
        FunctionName=of.name,
        Role=of.role,
        Runtime="python3.13",
        Handler="code.handler",
        Code={"ZipFile": archive()},
    )


def changed_function(of: Deployer) -> None:
    other = make_role(of.owner, f"{of.name}-other", "lambda.amazonaws.com")
    of.owner("lambda").create_function(
        FunctionName=of.name,
        Role=other,
        Runtime="python3.13",
        Handler="code.handler",
        Code={"ZipFile": archive()},
    )
    of.client("lambda").update_function_configuration(FunctionName=of.name, Role=of.role)


def job(of: Deployer) -> None:
    command = {"Name": "glueetl", "ScriptLocation": "s3://scripts/job.py"}
    of.client("glue").create_job(Name=of.name, Role=of.role, Command=command)


def job_with_the_name_of_a_role(of: Deployer) -> None:
    command = {"Name": "glueetl", "ScriptLocation": "s3://scripts/job.py"}
    of.client("glue").create_job(Name=of.name, Role=of.name, Command=command)


def machine(of: Deployer) -> None:
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    of.client("stepfunctions").create_state_machine(name=of.name, definition=definition, roleArn=of.role)


def stream(of: Deployer) -> None:
    of.owner("s3").create_bucket(Bucket=of.name)
    destination = {"RoleARN": of.role, "BucketARN": f"arn:aws:s3:::{of.name}"}
    of.client("firehose").create_delivery_stream(
        DeliveryStreamName=of.name, ExtendedS3DestinationConfiguration=destination
    )


def target_of_a_rule(of: Deployer) -> None:
    events = of.client("events")
    events.put_rule(Name=of.name, EventPattern=json.dumps({"source": [of.name]}))
    machine_arn = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:{of.name}"
    events.put_targets(Rule=of.name, Targets=[{"Id": "1", "Arn": machine_arn, "RoleArn": of.role}])


def subscription(of: Deployer) -> None:
    of.owner("logs").create_log_group(logGroupName=of.name)
    of.client("logs").put_subscription_filter(
        logGroupName=of.name,
        filterName=of.name,
        filterPattern="",
        destinationArn=f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/{of.name}",
        roleArn=of.role,
    )


def integration(of: Deployer) -> None:
    gateway = of.client("apigateway")
    api = gateway.create_rest_api(name=of.name)["id"]
    (root,) = gateway.get_resources(restApiId=api)["items"]
    where = {"restApiId": api, "resourceId": root["id"], "httpMethod": "ANY"}
    gateway.put_method(**where, authorizationType="NONE")
    gateway.put_integration(
        **where,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri="arn:aws:apigateway:…",
        credentials=of.role,
    )


def log_role_of_the_gateway(of: Deployer) -> None:
    change = {"op": "replace", "path": "/cloudwatchRoleArn", "value": of.role}
    of.client("apigateway").update_account(patchOperations=[change])


def stack_in_a_role(of: Deployer) -> None:
    topic = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
    of.client("cloudformation").create_stack(
        StackName=of.name, TemplateBody=json.dumps(topic), RoleARN=of.role
    )


WAYS = (
    *(function, changed_function, job, job_with_the_name_of_a_role, machine, stream, target_of_a_rule),
    *(subscription, integration, log_role_of_the_gateway, stack_in_a_role),
)


@pytest.mark.parametrize("give", WAYS)
def test_a_role_is_given_by_those_who_may_pass_it(
    deployer: Deployer, give: Callable[[Deployer], None]
) -> None:
    deployer.may_pass(allow(["iam:PassRole"], deployer.role))
    give(deployer)


@pytest.mark.parametrize("give", WAYS)
def test_without_the_grant_the_call_is_refused_and_the_log_says_so(
    deployer: Deployer, give: Callable[[Deployer], None]
) -> None:
    deployer.may_pass(allow(["iam:PassRole"], f"{deployer.role}-other"))
    with pytest.raises(ClientError, match=f"iam:PassRole on resource: {deployer.role}") as refused:
        give(deployer)
    assert refused.value.response["Error"]["Code"].startswith("AccessDenied")
    line = f"is not authorized to perform: iam:PassRole on resource: {deployer.role} because"
    assert line in deployer.server.log.read_text()


def test_a_role_is_passed_to_the_services_that_a_condition_names(deployer: Deployer) -> None:
    grant = allow(["iam:PassRole"], deployer.role)
    condition = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    deployer.may_pass({**grant, "Condition": condition})
    function(deployer)
    with pytest.raises(ClientError, match="iam:PassRole"):
        job(deployer)


def template(of: Deployer) -> str:
    code = {"ZipFile": "def handler(event, context): return 1"}
    properties = {
        "FunctionName": of.name,
        "Role": of.role,
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Code": code,
    }
    return json.dumps(
        {"Resources": {"Function": {"Type": "AWS::Lambda::Function", "Properties": properties}}}
    )


def outcome(of: Deployer) -> tuple[str, str]:
    """The status of the stack once it has settled, and why its function failed."""
    cloudformation = of.owner("cloudformation")
    deadline = time.monotonic() + 30
    while (status := cloudformation.describe_stacks(StackName=of.name)["Stacks"][0]["StackStatus"]).endswith(
        "_IN_PROGRESS"
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    events = cloudformation.describe_stack_events(StackName=of.name)["StackEvents"]
    reasons = [
        each.get("ResourceStatusReason", "") for each in events if each["LogicalResourceId"] == "Function"
    ]
    return status, " ".join(reasons)


@pytest.mark.parametrize("granted", [True, False])
def test_a_stack_gives_roles_for_who_creates_it(deployer: Deployer, granted: bool) -> None:
    deployer.may_pass(*[allow(["iam:PassRole"], deployer.role)] * granted)
    deployer.client("cloudformation").create_stack(StackName=deployer.name, TemplateBody=template(deployer))
    status, reason = outcome(deployer)
    assert status == ("CREATE_COMPLETE" if granted else "ROLLBACK_COMPLETE")
    assert ("not authorized to perform: iam:PassRole" in reason) is not granted


@pytest.mark.parametrize("granted", [True, False])
def test_a_change_set_gives_roles_in_the_role_of_its_stack(
    deployer: Deployer, shared: ClientOf, granted: bool
) -> None:
    """As the CDK does: who deploys may pass the stack's role, and that one the roles of functions"""
    grants = [allow(["iam:PassRole"], deployer.role)] * granted
    executor = make_role(
        shared, f"{deployer.name}-cfn", "cloudformation.amazonaws.com", EVERYTHING_ELSE, *grants
    )
    deployer.may_pass(allow(["iam:PassRole"], executor))
    cloudformation = deployer.client("cloudformation")
    made = cloudformation.create_change_set(
        StackName=deployer.name,
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=template(deployer),
        RoleARN=executor,
    )
    cloudformation.get_waiter("change_set_create_complete").wait(
        ChangeSetName=made["Id"], WaiterConfig={"Delay": 1}
    )
    cloudformation.execute_change_set(ChangeSetName=made["Id"], StackName=deployer.name)
    status, reason = outcome(deployer)
    assert (status == "CREATE_COMPLETE") is granted
    assert ("not authorized to perform: iam:PassRole" in reason) is not granted
