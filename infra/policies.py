"""Permissions: every `*` in a statement must come with the reason for it, or the app does not synthesise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import IConstruct

TRUST = {"aws:SourceAccount": cdk.Aws.ACCOUNT_ID}


def acknowledge(construct: IConstruct, reasons: Mapping[str, str]) -> None:
    """Accept findings of cdk-nag on `construct` and what it contains.

    Parameters
    ----------
    construct
        The resource the reasons are about.
    reasons
        Reason by finding, for example `{"AwsSolutions-S1": "this bucket holds the logs"}`.
    """
    for finding, reason in reasons.items():
        _accept(construct, finding, reason)


def _accept(construct: IConstruct, finding: str, reason: str) -> None:
    cdk.Validations.of(construct).acknowledge(cdk.Acknowledgment(id=finding, reason=reason))


def arn(service: str, resource: str, *, region: bool = True, account: bool = True) -> str:
    """ARN in the deployment's own partition, and in its region and account where the service's ARNs have them."""
    where = cdk.Aws.REGION if region else ""
    whose = cdk.Aws.ACCOUNT_ID if account else ""
    return f"arn:{cdk.Aws.PARTITION}:{service}:{where}:{whose}:{resource}"


def bucket_arn(bucket: str, keys: str = "") -> str:
    """ARN of a bucket, or of the objects in it that `keys` describes."""
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
    role
        Who.
    actions, resources
        What, on what. A `*` in any of them needs a `reason`, which is recorded beside the role for cdk-nag.
    reason
        Why the `*` is needed.
    conditions
        IAM conditions.

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
    """A resolved ARN as cdk-nag writes it in its findings: `arn:<AWS::Partition>:s3:::name/*`."""
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
    raise ValueError(f"cannot say what {node} is in a finding")


def service_role(scope: IConstruct, construct_id: str, service: str, name: str, **options: Any) -> iam.Role:
    """Role that one AWS service may take on, with no permission yet.

    Parameters
    ----------
    scope, construct_id, name
        Where the role belongs and what it is called.
    service
        Service principal, for example `firehose.amazonaws.com`. Other accounts' resources may not use it through us.
    options
        Further arguments of `iam.Role`.
    """
    guarded = service not in (
        "lambda.amazonaws.com",
        "glue.amazonaws.com",
    )  # these two send no source account
    principal = iam.ServicePrincipal(service, conditions={"StringEquals": TRUST} if guarded else None)
    return iam.Role(scope, construct_id, role_name=name, assumed_by=principal, **options)
