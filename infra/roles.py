"""The roles that the stacks define, with readable ARNs; `python -m infra.roles` writes them for the local AWS.

The stacks are the one place where permissions are written. `localcloud/roles.json` has the statements of the roles
whose programs run locally, because `make run` and the tests have no CDK; a test compares it with a fresh synthesis.
"""

import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.app import build
from infra.settings import ROOT
from localcloud.provision import ACCOUNT, MAIL_SENDER, REGION
from localcloud.roles import FILE

PSEUDO = {
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::URLSuffix": "amazonaws.com",
}
# ARNs of what a statement refers to, by type: the property with the name, and the ARN with that name.
NAMED = {
    "AWS::SQS::Queue": ("QueueName", f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}"),
    "AWS::SNS::Topic": ("TopicName", f"arn:aws:sns:{REGION}:{ACCOUNT}:{{}}"),
    "AWS::S3::Bucket": ("BucketName", "arn:aws:s3:::{}"),
    "AWS::Lambda::Function": ("FunctionName", f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}"),
    "AWS::DynamoDB::Table": ("TableName", f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{}}"),
    "AWS::StepFunctions::StateMachine": (
        "StateMachineName",
        f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{{}}",
    ),
}
# Those with an id in their ARN, which only a deployment knows.
UNKNOWN = {
    "AWS::Cognito::UserPool": f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/*",
    "AWS::KMS::Key": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/*",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:*",
}
# Programs that run locally by the role they have in AWS.
PROGRAMS = ("web", "capture", "lake", "metrics", "log-subscription")
STREAMS = ("cdc-stream", "logs-stream")


@dataclass(slots=True)
class Role:
    """The services that may assume a role, and its statements: actions, resources and conditions."""

    trusted: list[str]
    statements: list[dict[str, Any]] = field(default_factory=list)


def synthesised(context: Mapping[str, object]) -> dict[str, Role]:
    """Return the roles of all stacks by name, for these settings of the CDK app."""
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), context).synth()
        return _Templates(Path(folder)).roles(f"todo-{context['stage']}")


class _Templates:
    """The templates of one synthesis; their stacks may refer to each other's exports."""

    def __init__(self, folder: Path) -> None:
        files = {path.name.partition(".")[0]: path for path in sorted(folder.glob("*.template.json"))}
        self.stacks = {stack: json.loads(path.read_text()) for stack, path in files.items()}
        self.exports = {
            output["Export"]["Name"]: (template, output["Value"])
            for template in self.stacks.values()
            for output in template.get("Outputs", {}).values()
            if isinstance(output.get("Export", {}).get("Name"), str)
        }

    def roles(self, prefix: str) -> dict[str, Role]:
        """Return the roles by name; where CloudFormation gives it: `prefix`, stack and logical id."""
        found: dict[str, Role] = {}
        for stack, template in self.stacks.items():
            names: dict[str, str] = {}
            for logical_id, properties in _of_type(template, "AWS::IAM::Role"):
                name = names[logical_id] = str(properties.get("RoleName", f"{prefix}-{stack}-{logical_id}"))
                found[name] = Role(_trusted(properties["AssumeRolePolicyDocument"]))
                for policy in properties.get("Policies", ()):
                    found[name].statements += self._statements(template, policy["PolicyDocument"])
            for _, properties in _of_type(template, "AWS::IAM::Policy"):
                statements = self._statements(template, properties["PolicyDocument"])
                for reference in properties["Roles"]:
                    found[names[reference["Ref"]]].statements += statements
        return found

    def _statements(self, template: dict[str, Any], document: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {
                **({"Condition": statement["Condition"]} if "Condition" in statement else {}),
                "Effect": statement["Effect"],
                "Action": sorted(_listed(statement["Action"])),
                "Resource": sorted(self._text(template, each) for each in _listed(statement["Resource"])),
            }
            for statement in document["Statement"]
        ]

    def _text(self, template: dict[str, Any], node: Any) -> str:
        """Return an ARN of a template as text."""
        if isinstance(node, str):
            return node
        (function, value), *_ = node.items()
        if function == "Fn::Join":
            return str(value[0]).join(self._text(template, part) for part in value[1])
        if function == "Fn::Sub":
            return re.sub(r"\$\{([^}]+)\}", lambda match: PSEUDO[match[1]], value)
        if function == "Ref" and value in PSEUDO:
            return PSEUDO[value]
        if function == "Fn::ImportValue":
            return self._text(*self.exports[value])
        logical_id, attribute = (value, "Ref") if function == "Ref" else value
        return self._arn(template, template["Resources"][logical_id], attribute)

    def _arn(self, template: dict[str, Any], resource: dict[str, Any], attribute: str) -> str:
        kind = resource["Type"]
        if kind in UNKNOWN:
            return UNKNOWN[kind]
        name, arn = NAMED[kind]
        text = arn.format(self._text(template, resource["Properties"][name]))
        return f"{text}/stream/*" if attribute == "StreamArn" else text


def _of_type(template: dict[str, Any], kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] == kind:
            yield logical_id, resource["Properties"]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _trusted(document: dict[str, Any]) -> list[str]:
    services = [_listed(statement["Principal"].get("Service", [])) for statement in document["Statement"]]
    return sorted({service for listed in services for service in listed if isinstance(service, str)})


def local_roles() -> dict[str, dict[str, Any]]:
    """Return services and statements of the roles that local programs act as, with the local AWS's names."""
    roles = synthesised({"stage": "dev", "sender": MAIL_SENDER})
    found = {purpose: roles[f"todo-dev-{purpose}"] for purpose in PROGRAMS}
    streams = [roles[f"todo-{purpose}-dev"] for purpose in STREAMS]
    # One role delivers both streams: those that an earlier version created name it.
    statements = [statement for stream in streams for statement in stream.statements]
    found["firehose"] = Role(streams[0].trusted, statements)
    text = json.dumps(
        {purpose: {"trusted": role.trusted, "statements": role.statements} for purpose, role in found.items()}
    )
    renamed = re.sub(rf"todo-dev-(\w+)-{ACCOUNT}-{REGION}", r"todo-local-\1", text)
    result: dict[str, dict[str, Any]] = json.loads(renamed)
    return result


if __name__ == "__main__":
    FILE.write_text(json.dumps(local_roles(), indent=1) + "\n")
    print(f"wrote {FILE.relative_to(ROOT)}")
