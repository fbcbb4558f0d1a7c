"""IAM permissions. A `*` in a statement needs a reason: without one the app does not synthesise."""

from collections.abc import Iterable, Mapping
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

TRUST = {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}
# No page of AWS says that these services send the account for which they assume a role.
SEND_NO_ACCOUNT = {"apigateway.amazonaws.com", "glue.amazonaws.com", "lambda.amazonaws.com"}


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings of cdk-nag on `construct` and its children.

    Parameters
    ----------
    reasons
        Reason by finding, for example `{"AwsSolutions-S1": "this bucket holds the logs"}`.
    """
    for finding, reason in reasons.items():
        _accept(construct, finding, reason)


def _accept(construct: IConstruct, finding: str, reason: str) -> None:
    cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=finding, reason=reason))


def arn(service: str, resource: str, *, region: bool = True, account: bool = True) -> str:
    """Return an ARN in the deployment's partition, with its region and account unless told otherwise."""
    region_part = cdk.Aws.REGION if region else ""
    account_part = cdk.Aws.ACCOUNT_ID if account else ""
    return f"arn:{cdk.Aws.PARTITION}:{service}:{region_part}:{account_part}:{resource}"


def bucket_arn(bucket: str, keys: str = "") -> str:
    """Return the ARN of a bucket, or of its objects that match the pattern `keys`."""
    path = f"/{keys}" if keys else ""
    return arn("s3", f"{bucket}{path}", region=False, account=False)


def allow(
    role: iam.Role,
    actions: Iterable[str],
    resources: Iterable[str],
    *,
    reason: str | None = None,
    conditions: Mapping[str, Any] | None = None,
) -> None:
    """Let `role` do `actions` on `resources`.

    Parameters
    ----------
    actions, resources
        IAM actions and ARNs. A `*` in any of them needs a `reason`, which cdk-nag finds beside the role.
    reason
        Why the `*` is needed.

    Raises
    ------
    ValueError
        For a `*` without a reason.
    """
    actions, resources = list(actions), list(resources)
    stack = cdk.Stack.of(role)
    findings = [f"Action::{action}" for action in actions if "*" in action]
    findings += [
        f"Resource::{text}"
        for text in (_flat(stack.resolve(resource)) for resource in resources)
        if "*" in text
    ]
    if findings and not reason:
        raise ValueError(f"{role.node.path}: {', '.join(findings)} needs a reason")
    role.add_to_policy(iam.PolicyStatement(actions=actions, resources=resources, conditions=conditions))
    acknowledge(role, {f"AwsSolutions-IAM5[{finding}]": str(reason) for finding in findings})


def _flat(node: Any) -> str:
    """Return a resolved ARN as cdk-nag writes it in its findings: `arn:<AWS::Partition>:s3:::name/*`."""
    if isinstance(node, str):
        return node.replace("${", "<").replace("}", ">")
    if "Fn::Sub" in node:
        return _flat(node["Fn::Sub"])
    if "Fn::Join" in node:
        delimiter, parts = node["Fn::Join"]
        return str(delimiter).join(_flat(part) for part in parts)
    if "Fn::GetAtt" in node:
        return f"<{'.'.join(node['Fn::GetAtt'])}>"
    if "Ref" in node:
        return f"<{node['Ref']}>"
    raise ValueError(f"cdk-nag's text for {node} is unknown")


def service_role(scope: Construct, construct_id: str, service: str, name: str, **options: Any) -> iam.Role:
    """Create a role, without permissions yet, that one AWS service may assume.

    Parameters
    ----------
    name
        Name of the role.
    service
        Service principal, for example `firehose.amazonaws.com`. Resources of other accounts cannot use the role,
        as far as the service says for which account it acts.
    options
        Further arguments of `iam.Role`.
    """
    return iam.Role(scope, construct_id, role_name=name, assumed_by=_principal(service), **options)


def also_trust(role: iam.Role, service: str) -> None:
    """Let a second service, for example `apigateway.amazonaws.com`, assume a role that `service_role` created."""
    statement = iam.PolicyStatement(actions=["sts:AssumeRole"], principals=[_principal(service)])
    cast("iam.PolicyDocument", role.assume_role_policy).add_statements(statement)


def _principal(service: str) -> iam.ServicePrincipal:
    conditions = None if service in SEND_NO_ACCOUNT else {"StringEquals": TRUST}
    return iam.ServicePrincipal(service, conditions=conditions)
