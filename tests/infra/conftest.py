"""Runs in the environment of `requirements/infra.txt`, where the CDK app lives; the app's own has no CDK."""

import importlib.util
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.settings import STAGES
from tests import environment

if importlib.util.find_spec("aws_cdk") is None:
    collect_ignore_glob = ["test_*.py"]
else:
    environment.clean()  # as `tests.local_aws` does for the other tests

PSEUDO = {
    "AWS::Region": "us-east-1",
    "AWS::AccountId": "000000000000",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
STACKS = ("DataStack", "EtlStack", "ApiStack", "MonitoringStack", "EdgeStack")


def plain(node: Any) -> Any:
    """A fragment of a template with pseudo parameters filled in, joins joined, references as `<Id.Attribute>`."""
    if isinstance(node, list):
        return [plain(part) for part in node]
    if not isinstance(node, dict):
        return node
    if "Ref" in node:
        return PSEUDO.get(node["Ref"], f"<{node['Ref']}>")
    if "Fn::Sub" in node:
        return re.sub(r"\$\{([^}]+)\}", lambda match: PSEUDO.get(match[1], f"<{match[1]}>"), node["Fn::Sub"])
    if "Fn::GetAtt" in node:
        return f"<{'.'.join(node['Fn::GetAtt'])}>"
    if "Fn::Join" in node:
        delimiter, parts = node["Fn::Join"]
        return delimiter.join(str(plain(part)) for part in parts)
    return {key: plain(value) for key, value in node.items()}


@dataclass(frozen=True)
class Assembly:
    """What one synthesis wrote."""

    folder: Path

    def template(self, stack: str) -> dict[str, Any]:
        return json.loads((self.folder / f"{stack}.template.json").read_text())

    def resources(self, kind: str, stack: str | None = None) -> dict[str, dict[str, Any]]:
        """Resources of one type by logical id, with readable properties."""
        found = {}
        for name in [stack] if stack else STACKS:
            for logical_id, resource in self.template(name)["Resources"].items():
                if resource["Type"] == kind:
                    found[logical_id] = {**resource, "Properties": plain(resource.get("Properties", {}))}
        return found

    def one(self, kind: str, **properties: Any) -> dict[str, Any]:
        """Properties of the only resource of a type that has these."""
        found = [
            resource["Properties"]
            for resource in self.resources(kind).values()
            if all(resource["Properties"].get(key) == value for key, value in properties.items())
        ]
        assert len(found) == 1, f"{len(found)} of {kind} with {properties}"
        return found[0]


@pytest.fixture(scope="session")
def stage_files(tmp_path_factory) -> Path:
    """A folder of stages whose settings are all defaults: whoever runs the tests may have changed the project's."""
    folder = tmp_path_factory.mktemp("stages")
    for stage in STAGES:
        (folder / f"{stage}.toml").touch()
    return folder


@pytest.fixture(scope="session")
def synthesise(tmp_path_factory, stage_files) -> Callable[..., Assembly]:
    """Return a function from context values to the assembly; each is made once."""
    from infra.app import build

    made: dict[str, Assembly] = {}

    def synth(**context: Any) -> Assembly:
        context = {"stage_files": str(stage_files), **context}
        key = json.dumps(context, sort_keys=True)
        if key not in made:
            folder = tmp_path_factory.mktemp("cdk")
            build(folder, context).synth()
            made[key] = Assembly(folder)
        return made[key]

    return synth


@pytest.fixture(scope="session")
def dev(synthesise) -> Assembly:
    """The stage dev with all defaults."""
    return synthesise(stage="dev")


@pytest.fixture(scope="session")
def prod(synthesise) -> Assembly:
    """The stage prod, with Glue as its engine and somebody to page."""
    return synthesise(stage="prod", engine="glue", alert_email="pager@example.com", suffix="-eu")
