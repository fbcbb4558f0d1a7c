"""The roles of the local programs, created anew at every start, each with a session that does not expire."""

from typing import Any

from ministack.services import iam, sts

from localcloud.roles import credentials, role_name, roles

ACCOUNT = "000000000000"


def install() -> None:
    """Create the roles with the deployed policies, and their sessions."""
    for purpose, role in roles().items():
        name, keys = role_name(purpose), credentials(purpose)
        iam._roles[name] = _role(name, role["trusted"], role["statements"])
        session = {
            "Arn": f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/local",
            "UserId": f"{name}:local",
            "SecretAccessKey": keys["AWS_SECRET_ACCESS_KEY"],
            "SessionToken": keys["AWS_SESSION_TOKEN"],
        }
        sts.register_session(keys["AWS_ACCESS_KEY_ID"], session)


def _role(name: str, trusted: list[str], statements: list[dict[str, Any]]) -> dict[str, Any]:
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": trusted}}
    return {
        "RoleName": name,
        "RoleId": f"AROA{name.upper().replace('-', '')[:17]}",
        "Path": "/",
        "CreateDate": "2026-01-01T00:00:00Z",
        "Arn": f"arn:aws:iam::{ACCOUNT}:role/{name}",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        "InlinePolicies": {"deployed": {"Version": "2012-10-17", "Statement": statements}},
        "AttachedPolicies": [],
        "Tags": [],
    }
