"""Roles for tests, and clients that act in one."""

from __future__ import annotations

import json
from typing import Any

import boto3
from botocore.config import Config

from localcloud.roles import credentials
from localcloud.server import LocalAws
from tests.localcloud.conftest import ClientOf, client

Statement = dict[str, Any]


def allow(actions: list[str], *resources: str) -> Statement:
    return {"Effect": "Allow", "Action": actions, "Resource": list(resources)}


def make_role(of: ClientOf, name: str, service: str, *statements: Statement) -> str:
    """Create a role that a service may assume; return its ARN."""
    principal = {"Service": service, "AWS": "arn:aws:iam::000000000000:root"}  # the latter for `as_role`
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn: str = of("iam").create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    if statements:
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
    """A client in the role of a local program."""
    keys = credentials(purpose)
    session = (keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], keys["AWS_SESSION_TOKEN"])
    return _client(server, service, session)


def as_role(server: LocalAws, service: str, name: str) -> Any:
    """A client in a role of `make_role`."""
    arn = f"arn:aws:iam::000000000000:role/{name}"
    keys = client(server, "sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
    return _client(server, service, (keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]))


def _client(server: LocalAws, service: str, session: tuple[str, str, str]) -> Any:
    key, secret, token = session
    return boto3.client(
        service,
        endpoint_url=server.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"total_max_attempts": 1}, read_timeout=30),
    )
