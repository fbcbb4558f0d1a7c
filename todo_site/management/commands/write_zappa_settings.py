"""``manage.py write_zappa_settings``: fill the placeholders of zappa_settings.json for one stage.

A placeholder is ``<Stack.Output>`` (an output of a CDK stack), ``<current:Stack.Output>`` (the id of the current
version of the secret whose ARN is that output), ``<digests:Stack.Output>`` (the SHA-256 of its current and previous
value) or one of this command's own values (``<stage>``, ``<app_url>`` ...). A placeholder without a value is an error:
it must never reach AWS as a name or an address. The file holds no secret.
"""

import hashlib
import json
import re
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import boto3
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

PLACEHOLDER = re.compile(r"<([^<>]+)>")
CURRENT, DIGESTS = "current:", "digests:"
UNKNOWN_URL = "https://not-deployed-yet.invalid"
# Every retained version of a function with snapshots is billed, and Zappa allows no fewer.
SNAPSHOTS = {"snap_start": "PublishedVersions", "num_retained_versions": 2}
Outputs = Mapping[str, Mapping[str, str]]


class Command(BaseCommand):
    """Write Zappa's settings of one stage."""

    help = "Fill zappa_settings.json for one stage from the outputs of the CDK stacks."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the options."""
        parser.add_argument("--stage", required=True, choices=("dev", "prod"))
        parser.add_argument("--output", required=True, type=Path, help="file to write")
        parser.add_argument("--template", type=Path, default=Path(settings.BASE_DIR) / "zappa_settings.json")
        parser.add_argument(
            "--outputs", type=Path, help="what `cdk deploy --outputs-file` wrote; default: ask AWS"
        )
        parser.add_argument("--app-url", help="public address; default: what EdgeStack says")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="one more variable of the function",
        )
        parser.add_argument("--architecture", choices=("arm64", "x86_64"), default="arm64")
        parser.add_argument("--snap-start", action="store_true", help="start the function from a snapshot")
        parser.add_argument("--owner", default="todo-team")
        parser.add_argument("--cost-center", default="todo")

    def handle(self, *args: Any, **options: Any) -> None:
        """Fill the template and write it; CommandError names every missing value."""
        stage = options["stage"]
        outputs = by_stack(stage, options["outputs"])
        own = {
            "stage": stage,
            "app_url": options["app_url"] or outputs.get("EdgeStack", {}).get("Address", UNKNOWN_URL),
            "version": settings.APP_VERSION,
            **{name: options[name] for name in ("architecture", "owner", "cost_center")},
        }
        template = json.loads(options["template"].read_text())
        filled, missing = fill(merged(template, stage), lambda name: lookup(name, own, outputs))
        if missing:
            raise CommandError(f"no value for: {', '.join(sorted(missing))}")
        if options["snap_start"]:
            filled |= SNAPSHOTS
        filled["aws_environment_variables"] |= dict(pair.split("=", 1) for pair in options["set"])
        options["output"].parent.mkdir(parents=True, exist_ok=True)
        options["output"].write_text(json.dumps({stage: filled}, indent=2) + "\n")
        self.stdout.write(f"{options['output']}: {stage} at {own['app_url']}")


def merged(template: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """Return the section of ``stage`` merged with those it extends, as Zappa does it."""
    section = dict(template[stage])
    parent = section.pop("extends", None)
    return {**merged(template, parent), **section} if parent else section


def fill(node: Any, value_of: Callable[[str], str | None]) -> tuple[Any, set[str]]:
    """Return ``node`` with the placeholders in its strings replaced, and the names without a value."""
    missing: set[str] = set()

    def replace(match: re.Match[str]) -> str:
        value = value_of(match[1])
        if not value:
            missing.add(match[1])
        return value or match[0]

    def walk(part: Any) -> Any:
        if isinstance(part, str):
            return PLACEHOLDER.sub(replace, part)
        if isinstance(part, dict):
            return {key: walk(value) for key, value in part.items()}
        return [walk(value) for value in part] if isinstance(part, list) else part

    return walk(node), missing


def lookup(name: str, own: Mapping[str, str], outputs: Outputs) -> str | None:
    """Return the value of a placeholder, or None if it has none."""
    if name in own:
        return own[name]
    stack, _, output = name.removeprefix(CURRENT).removeprefix(DIGESTS).partition(".")
    value = outputs.get(stack, {}).get(output)
    if value and name.startswith(CURRENT):
        return current_version(value)
    if value and name.startswith(DIGESTS):
        return ",".join(digests(value))
    return value


def by_stack(stage: str, path: Path | None) -> Outputs:
    """Return the outputs of the stage's stacks by construct id (``ApiStack``), from the file or from CloudFormation."""
    prefix = f"todo-{stage}-"
    known: Outputs = json.loads(path.read_text()) if path else deployed_outputs(prefix)
    return {name.removeprefix(prefix): values for name, values in known.items()}


def deployed_outputs(prefix: str) -> dict[str, dict[str, str]]:
    """Return ``{stack name: {output: value}}`` of the deployed stacks whose names start with ``prefix``."""
    pages = boto3.client("cloudformation").get_paginator("describe_stacks").paginate()
    return {
        stack["StackName"]: {entry["OutputKey"]: entry["OutputValue"] for entry in stack.get("Outputs", ())}
        for page in pages
        for stack in page["Stacks"]
        if stack["StackName"].startswith(prefix)
    }


def current_version(arn: str) -> str | None:
    """Return the id of the current version of the secret with this ARN, or None if it has no value yet."""
    stages = boto3.client("secretsmanager").describe_secret(SecretId=arn)["VersionIdsToStages"]
    return next((version for version, labels in stages.items() if "AWSCURRENT" in labels), None)


def digests(arn: str) -> list[str]:
    """Return the SHA-256 of the secret's current value, and of its previous one, in hexadecimal."""
    client = boto3.client("secretsmanager")
    labels = client.describe_secret(SecretId=arn)["VersionIdsToStages"].values()
    stages = [stage for stage in ("AWSCURRENT", "AWSPREVIOUS") if any(stage in each for each in labels)]
    values = [client.get_secret_value(SecretId=arn, VersionStage=stage)["SecretString"] for stage in stages]
    return [hashlib.sha256(value.encode()).hexdigest() for value in values]
