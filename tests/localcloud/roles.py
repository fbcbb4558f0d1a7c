"""Roles for tests, and clients that act in one."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.config import Config

from localcloud.roles import credentials
from localcloud.server import LocalAws
from tests.localcloud.conftest import ClientOf

Statement = dict[str, Any]


def allow(actions: list[str], *resources: str) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def make_role(of: ClientOf, name: str, service: str, *statements: Statement) -> str:
    """Create a role that a service may assume; return its ARN."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": service}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn: str = of("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    permit(of, name, *statements)
    return arn


def permit(of: ClientOf, name: str, *statements: Statement) -> None:
    """Replace what a role may do."""
    if statements:
        document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        of("iam").put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=document)
    else:
        of("iam").delete_role_policy(RoleName=name, PolicyName="all")


def as_program(server: LocalAws, service: str, purpose: str) -> Any:
    """A client with the credentials of a local program's role."""
    keys = credentials(purpose)
    return boto3.client(
        service,
        endpoint_url=server.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=keys["AWS_SESSION_TOKEN"],
        config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
    )
