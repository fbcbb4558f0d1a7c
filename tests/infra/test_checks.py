"""cfn-lint, cdk-nag, and every `*` with its reason."""

import json
import re
import tomllib

import pytest

from infra import lint, policies
from infra.assets import PackageError, lake_layer
from infra.settings import ROOT, Settings
from tests.infra.conftest import STACKS, plain


def test_lint_accepts_a_valid_template_and_names_the_error_in_another(dev, tmp_path):
    """What `make lint` runs over every template finds what is wrong with one."""
    assert lint.check(dev.folder / "DataStack.template.json").returncode == 0
    broken = dev.template("DataStack")
    for resource in broken["Resources"].values():
        if resource["Type"] == "AWS::DynamoDB::Table":
            resource["Properties"]["BillingMode"] = "FREE"
    (tmp_path / "broken.json").write_text(json.dumps(broken))
    done = lint.check(tmp_path / "broken.json")
    assert done.returncode != 0
    assert "'FREE' is not one of" in done.stdout


def test_mypy_reads_every_service_that_the_stacks_use():
    """An unlisted module of CDK would be skipped, and its constructs not checked."""
    config = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["mypy"]["overrides"]
    (listed,) = (entry["module"] for entry in config if "aws_cdk" in entry["module"])
    sources = "".join(path.read_text() for path in (ROOT / "infra").glob("*.py"))
    used = {f"aws_cdk.{name}" for name in re.findall(r"from aws_cdk import (\w+)", sources)}
    assert sorted({"aws_cdk", *used}) == listed


def reasons(resource):
    rules = resource.get("Metadata", {}).get("cdk_nag", {}).get("rules_to_suppress", ())
    return {rule["id"]: rule["reason"] for rule in rules}


def test_a_finding_without_a_reason_stops_the_synthesis(tmp_path, monkeypatch):
    from infra.app import build

    monkeypatch.setattr(policies, "_accept", lambda *_: None)
    with pytest.raises(RuntimeError, match=r"Validation ?[Ff]ailed"):
        build(tmp_path, {"stage": "dev"}).synth()


def findings(folder):
    report = json.loads((folder / "validation-report.json").read_text())
    return {
        (violation["ruleName"], construct["constructPath"])
        for plugin in report["pluginReports"]
        for violation in plugin["violations"]
        for construct in violation["violatingConstructs"]
    }


def test_every_reason_is_for_a_finding(tmp_path, monkeypatch):
    from infra.app import build

    given = []
    monkeypatch.setattr(
        policies, "_accept", lambda construct, finding, _: given.append((finding, construct.node.path))
    )
    with pytest.raises(RuntimeError, match=r"Validation ?[Ff]ailed"):
        build(tmp_path, {"stage": "dev"}).synth()
    found = findings(tmp_path)
    idle = {
        (rule, path)
        for rule, path in given
        if not any(rule == name and where.startswith(path) for name, where in found)
    }
    assert found
    assert not idle


def wildcards(template):
    """Logical ids of the policies with an Allow on `*`, or of `*`."""
    for logical_id, resource in template["Resources"].items():
        document = plain(resource.get("Properties", {}).get("PolicyDocument"))
        if resource["Type"] == "AWS::IAM::Policy" and any(
            "*" in json.dumps([statement["Action"], statement["Resource"]])
            for statement in document["Statement"]
        ):
            yield logical_id


@pytest.mark.parametrize("stack", STACKS)
def test_no_star_without_a_reason_in_the_template(dev, stack):
    template = dev.template(stack)
    for logical_id in wildcards(template):
        given = reasons(template["Resources"][logical_id])
        assert any(
            rule.startswith("AwsSolutions-IAM5[") and len(reason) > 10 for rule, reason in given.items()
        )


def test_no_action_is_a_star(dev):
    for stack in STACKS:
        for resource in dev.resources("AWS::IAM::Policy", stack).values():
            for statement in resource["Properties"]["PolicyDocument"]["Statement"]:
                actions = statement["Action"]
                assert not [a for a in ([actions] if isinstance(actions, str) else actions) if "*" in a]


def test_a_star_without_a_reason_is_refused(tmp_path):
    import aws_cdk as cdk

    stack = cdk.Stack(cdk.App(outdir=str(tmp_path)), "Any")
    role = policies.service_role(stack, "Role", "lambda.amazonaws.com", "any")
    with pytest.raises(ValueError, match="needs a reason"):
        policies.allow(role, ["s3:GetObject"], ["*"])


def test_no_role_is_open_to_other_accounts(dev):
    for role in dev.resources("AWS::IAM::Role").values():
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            assert set(statement["Principal"]) == {"Service"}


def test_a_deployment_refuses_a_package_that_was_not_built(tmp_path):
    import aws_cdk as cdk

    stack = cdk.Stack(cdk.App(outdir=str(tmp_path)), "Any")
    settings = Settings("dev", build=tmp_path / "nothing", require_packages=True)
    with pytest.raises(PackageError, match=r"infra\.lake_layer"):
        lake_layer(stack, settings)
