"""Removes a stage: its web function, its stacks and, if asked, its data (`make destroy`).

It asks CloudFormation what there is, and calls neither CDK nor Zappa: a clone that never deployed can remove a stage,
and a removal that was cut off can be repeated. What an earlier removal kept is found by its tags, logs by their names.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import boto3
from botocore.exceptions import ClientError, WaiterError

from infra import edge
from infra.settings import Settings
from infra.tools import ToolError, use_pinned_node

PROTECTION = (
    "aws cloudformation update-termination-protection --no-enable-termination-protection --stack-name"
)
ATTEMPTS = 10
PAUSE_SECONDS = 6.0
KEY_DAYS = 7  # the shortest time that KMS keeps a key before it is gone
STACK_WAIT = {"Delay": 5, "MaxAttempts": 360}
# What removing the stacks leaves behind, and services' codes for what is gone already.
DATA = (
    *("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Cognito::UserPool", "AWS::SecretsManager::Secret"),
    "AWS::KMS::Key",
)
GONE = {
    *(
        "ResourceNotFoundException",
        "NoSuchBucket",
        "NotFoundException",
        "StateMachineDoesNotExist",
    ),
    # A key that is about to be deleted.
    "KMSInvalidStateException",
}
# By the type that the tagging API knows: CloudFormation's type, and what precedes the name in an ARN.
KINDS = {
    "dynamodb:table": ("AWS::DynamoDB::Table", "table/"),
    "s3": ("AWS::S3::Bucket", ":::"),
    "cognito-idp:userpool": ("AWS::Cognito::UserPool", "userpool/"),
    "secretsmanager": ("AWS::SecretsManager::Secret", ""),  # whose ARN is its name
    "kms:key": ("AWS::KMS::Key", "key/"),
}
Resources = dict[str, list[str]]


def down(settings: Settings, *, erase: str, confirmed: str, say: Callable[[str], None]) -> None:
    """Remove the stage; table, buckets, user pool, secret and key stay unless `erase` names the stage.

    Parameters
    ----------
    erase
        The stage whose data are to go too, or an empty text.
    confirmed
        The stage's name, for a shell in which nobody can be asked.
    say
        Tells the operator about the next step.

    Raises
    ------
    ToolError
        If the stage is protected, if the names differ, or if something cannot be removed.
    """
    stacks = find_stacks(settings)
    protected = [stack["StackName"] for stack in stacks if stack.get("EnableTerminationProtection")]
    if protected:
        commands = "\n".join(f"  {PROTECTION} {name}" for name in protected)
        raise ToolError(
            f"The stage {settings.stage} is protected: nothing was removed. To allow it:\n{commands}"
        )
    gone = not stacks and not _function_is_there(settings)
    if gone:
        say(f"there is no stage {settings.stage}")
        kept = find_kept(settings)
        if not erase or not kept:
            _say_what_stays(settings, kept)
            return
    _confirm(settings.stage, erase, confirmed)
    erased = {} if gone else _remove(settings, stacks, erase, say)
    kept = find_kept(settings)
    if not erase:
        _say_what_stays(settings, kept)
        return
    # The tagging API may still name what is gone.
    left = {
        kind: [name for name in names if name not in erased.get(kind, ())] for kind, names in kept.items()
    }
    _erase(left, say)
    _erase_logs(settings, say)


def _remove(
    settings: Settings, stacks: list[dict[str, Any]], erase: str, say: Callable[[str], None]
) -> Resources:
    """Remove function and stacks, and with `erase` what they hold; return that by type."""
    found = resources([stack for stack in stacks if not stack["StackName"].endswith("EdgeStack")])
    say("web function")
    _remove_function(settings)
    own, rest = _split(settings, stacks)
    _delete_stacks(own, say)
    if erase:
        say("stopping what writes")
        stop_writers(found)
        _erase(found, say)
    edge.empty(settings)  # static files are no data
    _delete_stacks(rest, say)
    return found if erase else {}


def find_stacks(settings: Settings) -> list[dict[str, Any]]:
    """Return the stage's stacks, those of CDK and of Zappa, the newest first: each may use those after it."""
    pages = boto3.client("cloudformation").get_paginator("describe_stacks").paginate()
    own = settings.web_function
    found = [
        dict(stack)
        for page in pages
        for stack in page["Stacks"]
        if (stack["StackName"] == own or stack["StackName"].startswith(f"{own}-"))
        and stack["StackStatus"] != "DELETE_COMPLETE"
    ]
    return sorted(found, key=lambda stack: stack["CreationTime"], reverse=True)


def find_kept(settings: Settings) -> Resources:
    """Return what holds data and has the stage's tags, whether or not a stack knows it, by type."""
    pages = boto3.client("resourcegroupstaggingapi").get_paginator("get_resources")
    tags = [{"Key": key, "Values": [value]} for key, value in settings.identity.items()]
    found: Resources = {}
    for page in pages.paginate(TagFilters=tags, ResourceTypeFilters=list(KINDS)):
        for each in page["ResourceTagMappingList"]:
            kind, name = _named(each["ResourceARN"])
            if kind != "AWS::KMS::Key" or _is_used(name):
                found.setdefault(kind, []).append(name)
    return found


def _named(arn: str) -> tuple[str, str]:
    """Return the type of a resource and its name, as CloudFormation has them."""
    _, _, service, _, _, rest = arn.split(":", 5)
    kind, before = next(found for form, found in KINDS.items() if f"{service}:{rest}".startswith(form))
    return kind, (arn.partition(before)[2] if before else arn)


def _is_used(key: str) -> bool:
    """Return whether a key is not about to be deleted."""
    with _tolerated():
        found = boto3.client("kms").describe_key(KeyId=key)["KeyMetadata"]
        return bool(found["KeyState"] != "PendingDeletion")
    return False


def _say_what_stays(settings: Settings, kept: Resources) -> None:
    """List what holds data, and the command that removes it."""
    if names := [f"{kind} {name}" for kind in DATA for name in kept.get(kind, ())]:
        stage = settings.stage
        listed = "\n  ".join(names)
        print(
            f"These stay, because they hold data:\n  {listed}\n"
            f"To remove them too: make destroy STAGE={stage} ERASE_DATA={stage}"
        )


def resources(stacks: list[dict[str, Any]]) -> Resources:
    """Return the physical names of everything in these stacks, by type."""
    found: Resources = {}
    pages = boto3.client("cloudformation").get_paginator("list_stack_resources")
    for stack in stacks:
        for page in pages.paginate(StackName=stack["StackName"]):
            for each in page["StackResourceSummaries"]:
                if name := each.get("PhysicalResourceId"):
                    found.setdefault(each["ResourceType"], []).append(name)
    return found


def _confirm(stage: str, erase: str, confirmed: str) -> None:
    """Raise ToolError unless the operator names the stage, and `erase`, if it is given, names it too."""
    if erase and erase != stage:
        raise ToolError(f"ERASE_DATA names {erase}, and the stage is {stage}: nothing was removed.")
    what = "all tasks, users and figures" if erase else "the site"
    if not confirmed and sys.stdin.isatty():
        confirmed = input(f"This removes {what} of {stage}. Type the name of the stage: ").strip()
    if confirmed != stage:
        raise ToolError(f"Nothing was removed. Where nobody can be asked, CONFIRM={stage} answers.")


def _function_is_there(settings: Settings) -> bool:
    try:
        boto3.client("lambda").get_function_configuration(FunctionName=settings.web_function)
    except ClientError as error:
        if error.response["Error"]["Code"] in GONE:
            return False
        raise
    return True


def _remove_function(settings: Settings) -> None:
    with _tolerated():
        boto3.client("lambda").delete_function(FunctionName=settings.web_function)


def _split(
    settings: Settings, stacks: list[dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return Zappa's stack, which lets the world in, and the others."""
    own = [stack for stack in stacks if stack["StackName"] == settings.web_function]
    return own, [stack for stack in stacks if stack not in own]


class _tolerated(suppress):  # noqa: N801  used like `suppress`
    """Suppress the errors that say that something is gone."""

    def __init__(self) -> None:
        super().__init__(ClientError)

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        return isinstance(error, ClientError) and error.response["Error"]["Code"] in GONE


def stop_writers(found: Resources) -> None:
    """Stop schedules, runs, change capture, delivery and access logging, which would fill what is being emptied."""
    events, functions = boto3.client("events"), boto3.client("lambda")
    firehose, s3 = boto3.client("firehose"), boto3.client("s3")
    for rule in found.get("AWS::Events::Rule", ()):
        bus, _, name = rule.rpartition("|")
        with _tolerated():
            events.disable_rule(Name=name, **({"EventBusName": bus} if bus else {}))
    for mapping in found.get("AWS::Lambda::EventSourceMapping", ()):
        with _tolerated():
            functions.update_event_source_mapping(UUID=mapping, Enabled=False)
    for machine in found.get("AWS::StepFunctions::StateMachine", ()):
        with _tolerated():
            _stop_runs(machine)
    for stream in found.get("AWS::KinesisFirehose::DeliveryStream", ()):
        with _tolerated():
            firehose.delete_delivery_stream(DeliveryStreamName=stream, AllowForceDelete=True)
    for bucket in found.get("AWS::S3::Bucket", ()):
        with _tolerated():
            s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})


def _stop_runs(machine: str) -> None:
    client = boto3.client("stepfunctions")
    running = client.list_executions(stateMachineArn=machine, statusFilter="RUNNING", maxResults=100)
    for run in running["executions"]:
        client.stop_execution(executionArn=run["executionArn"], cause="the stage is being removed")


def _erase(found: Resources, say: Callable[[str], None]) -> None:
    for table in found.get("AWS::DynamoDB::Table", ()):
        say(f"deleting the table {table}")
        with _tolerated():
            client = boto3.client("dynamodb")
            client.update_table(TableName=table, DeletionProtectionEnabled=False)
            client.delete_table(TableName=table)
            client.get_waiter("table_not_exists").wait(TableName=table)
    for bucket in found.get("AWS::S3::Bucket", ()):
        say(f"emptying and deleting {bucket}")
        delete_bucket(bucket)
    for pool in found.get("AWS::Cognito::UserPool", ()):
        say(f"deleting the user pool {pool}")
        with _tolerated():
            accounts = boto3.client("cognito-idp")
            accounts.update_user_pool(UserPoolId=pool, DeletionProtection="INACTIVE")
            accounts.delete_user_pool(UserPoolId=pool)
    for secret in found.get("AWS::SecretsManager::Secret", ()):
        with _tolerated():
            boto3.client("secretsmanager").delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
    for key in found.get("AWS::KMS::Key", ()):
        say(f"the key {key} goes in {KEY_DAYS} days")
        with _tolerated():
            boto3.client("kms").schedule_key_deletion(KeyId=key, PendingWindowInDays=KEY_DAYS)


def _erase_logs(settings: Settings, say: Callable[[str], None]) -> None:
    """Delete the log groups that outlive their stacks: Glue's own, and those a function wrote to at the last moment."""
    use_pinned_node()
    from infra.names import Names  # starts Node, for the CDK's tokens

    client = boto3.client("logs")
    for prefix in Names(settings).log_groups:
        for page in client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix):
            for group in page["logGroups"]:
                if group["logGroupName"] == prefix or prefix.endswith("/"):
                    say(f"deleting the log group {group['logGroupName']}")
                    with _tolerated():
                        client.delete_log_group(logGroupName=group["logGroupName"])


def delete_bucket(bucket: str) -> None:
    """Empty and delete a bucket; again if something was delivered meanwhile, up to `ATTEMPTS` times."""
    client, kept = boto3.client("s3"), boto3.resource("s3").Bucket(bucket)
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(PAUSE_SECONDS)
        try:
            kept.object_versions.delete()
            client.delete_bucket(Bucket=bucket)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in GONE:
                return
            if code != "BucketNotEmpty":
                raise ToolError(f"{bucket}: {error}") from error
        else:
            return
    raise ToolError(f"{bucket} is filled faster than it is emptied: something still writes into it.")


def _delete_stacks(stacks: list[dict[str, Any]], say: Callable[[str], None]) -> None:
    """Delete stacks one after the other. Raises ToolError if one stays."""
    client = boto3.client("cloudformation")
    for name in (stack["StackName"] for stack in stacks):
        say(f"stack {name}")
        try:
            client.delete_stack(StackName=name)
            client.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=STACK_WAIT)
        except (ClientError, WaiterError) as error:
            why = "; ".join(_failures(client, name))
            raise ToolError(f"The stack {name} was not deleted: {why or error}") from error


def _failures(client: Any, stack: str) -> Iterator[str]:
    with suppress(ClientError):
        for event in client.describe_stack_events(StackName=stack)["StackEvents"][:50]:
            if event["ResourceStatus"] == "DELETE_FAILED":
                yield f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', '')}"
