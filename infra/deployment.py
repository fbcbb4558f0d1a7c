"""Deploys and removes one stage: `python -m infra.deployment up|down STAGE` (`make deploy`, `make destroy`).

Every step can be repeated: after a failure, run the same command again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.exceptions import ClientError

from infra import tools
from infra.package import build_lake_layer
from infra.settings import ARCHITECTURES, STAGES, Settings
from infra.web_package import COLLECT_ENVIRONMENT, WebBuild, size

STARTED = time.monotonic()


class Deployment:
    """One stage in the account whose credentials are in the environment.

    Parameters
    ----------
    stage
        `dev` or `prod`.
    context
        Context values of the CDK app, beside the stage.
    gateway
        Public address of an API, with `{api}` and `{stage}`; that of API Gateway in the account's region where None.
    variables
        More environment variables of the web function; `{pool}` stands for the id of the user pool.
    """

    def __init__(
        self,
        stage: str,
        context: Mapping[str, str],
        gateway: str | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.stage = stage
        self.context = {"stage": stage, **context}
        self.settings = Settings(stage, architecture=context.get("architecture", "arm64"))
        self.gateway = gateway
        self.variables = dict(variables or {})
        self.tree = WebBuild(self.settings.build, self.settings.architecture)
        self.assembly = self.settings.build / f"cdk-{stage}"
        self.synthesised = False  # by this process, so that what was synthesised is up to date
        self.outputs = self.settings.build / f"outputs-{stage}.json"
        self.zappa_settings = self.tree.app / "zappa_settings.json"

    def up(self) -> str:
        """Bring the whole stage up to date; return its address.

        Raises
        ------
        tools.ToolError
            When a step fails; those before it are done.
        """
        with ThreadPoolExecutor(max_workers=1) as beside:
            package = beside.submit(self.tree.make, tools.APP_PYTHON)
            self.stacks()
            package.result()
        step(f"package: {size(self.tree.app, self.tree.packages) / 2**20:.1f} MiB before bytecode")
        return self.web()

    def stacks(self) -> None:
        """Deploy the four stacks, with the library layer they upload."""
        step("libraries of the lake")
        build_lake_layer(self.settings.build, self.settings.architecture)
        step("stacks")
        region = boto3.session.Session().region_name
        account = boto3.client("sts").get_caller_identity()["Account"]
        if not self._stack_exists("CDKToolkit"):
            tools.cdk("bootstrap", f"aws://{account}/{region}", "--no-notices", *self._context())
        tools.cdk(
            *("deploy", "--all", "--require-approval", "never", "--no-notices", "--progress", "events"),
            *("--outputs-file", self.outputs, "-c", "require_packages=true", "--output", self.assembly),
            *self._context(),
        )
        self.synthesised = True

    def web(self) -> str:
        """Deploy the web function from the build tree; return its address."""
        known = self.address()
        self._write_settings(known)
        step("web function")
        self._zappa("update" if self._function_exists() else "deploy", self.stage)
        address = self.address()
        if address is None:
            raise tools.ToolError("Zappa made no API Gateway")
        if known is None:  # only now is it known what the function has to be told
            self._write_settings(address)
            self._zappa("update", self.stage, "--no-upload", "true")
        step(f"deployed: {address}")
        return address

    def smoke(self, address: str, *names: str, options: Sequence[str] = ()) -> None:
        """Run smoke commands, with `options`, against the deployed stage."""
        for name in names:
            step(name)
            tools.manage(name, "--url", address, *options, environment=self.environment())

    def environment(self) -> dict[str, str]:
        """The settings of the deployed function, for commands that run here, and those of the lake."""
        written = json.loads(self.zappa_settings.read_text())[self.stage]
        lake = self._outputs_of("EtlStack")
        return {
            **written["aws_environment_variables"],
            "AWS_DEFAULT_REGION": written["aws_region"],
            "LAKE_MACHINE_ARN": lake["LakeMachineArn"],
            "STATIC_ROOT": str(self.tree.app / "staticfiles"),
        }

    def down(self, *, erase: bool) -> None:
        """Remove the stage; table, buckets, user pool and key stay, unless `erase`."""
        if erase and self.context.get("protect") != "false":
            step("taking the protection off the data")
            tools.cdk(
                *("deploy", "--all", "--require-approval", "never", "--no-notices", "-c", "protect=false"),
                *self._context(),
            )
        if self._function_exists():
            step("web function")
            self._zappa("undeploy", self.stage, "--yes")
        if erase:
            for bucket in self._buckets():
                step(f"emptying {bucket}")
                empty(bucket)
        step("stacks")
        source = ("--app", self.assembly) if self.synthesised else self._context()
        tools.cdk("destroy", "--all", "--force", "--no-notices", *source)

    def address(self) -> str | None:
        """Public address of the web function, or None before its first deployment."""
        try:
            found = boto3.client("cloudformation").describe_stack_resource(
                StackName=self.settings.web_function, LogicalResourceId="Api"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in {"ValidationError", "ResourceNotFoundException"}:
                return None
            raise
        region = boto3.session.Session().region_name
        shape = self.gateway or f"https://{{api}}.execute-api.{region}.amazonaws.com/{{stage}}"
        return shape.format(api=found["StackResourceDetail"]["PhysicalResourceId"], stage=self.stage)

    def _write_settings(self, address: str | None) -> None:
        step("settings")
        chosen = ["--app-url", address] if address else []
        pool = self._outputs_of("ApiStack")["UserPoolId"]
        for name, value in self.variables.items():
            chosen += ["--set", f"{name}={value.format(pool=pool)}"]
        tools.manage(
            *("write_zappa_settings", "--stage", self.stage, "--output", self.zappa_settings),
            *("--outputs", self.outputs, "--architecture", self.settings.architecture, *chosen),
            environment=COLLECT_ENVIRONMENT,
        )

    def _outputs_of(self, stack: str) -> dict[str, str]:
        found: dict[str, dict[str, str]] = json.loads(self.outputs.read_text())
        return found[self.settings.stack_name(stack)]

    def _zappa(self, *arguments: str) -> None:
        tools.zappa(self.tree.app, self.tree.environment, *arguments)

    def _context(self) -> list[str]:
        return [word for name, value in self.context.items() for word in ("-c", f"{name}={value}")]

    def _function_exists(self) -> bool:
        try:
            boto3.client("lambda").get_function(FunctionName=self.settings.web_function)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ResourceNotFoundException":
                return False
            raise
        return True

    def _stack_exists(self, name: str) -> bool:
        try:
            boto3.client("cloudformation").describe_stacks(StackName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError":
                return False
            raise
        return True

    def _buckets(self) -> Iterator[str]:
        pages = boto3.client("cloudformation").get_paginator("list_stack_resources")
        for stack in ("ApiStack", "EtlStack"):
            for page in pages.paginate(StackName=self.settings.stack_name(stack)):
                for resource in page["StackResourceSummaries"]:
                    if resource["ResourceType"] == "AWS::S3::Bucket":
                        yield resource["PhysicalResourceId"]


def empty(bucket: str) -> None:
    """Delete every version of every object in a bucket."""
    s3 = boto3.client("s3")
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        keys = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in found]
        if keys:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


def step(text: str) -> None:
    """Say what comes next, and how many seconds this command has been running."""
    print(f"--- {time.monotonic() - STARTED:4.0f} s: {text}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Command line; 0 on success, 1 when a step failed."""
    options = _parser().parse_args(arguments)
    context = {"architecture": options.architecture} | dict(pair.split("=", 1) for pair in options.context)
    deployment = Deployment(options.stage, context)
    try:
        _act(deployment, options)
    except tools.ToolError as error:
        print(f"{error}\nNothing after this step was done. Run the same command again when it is fixed.")
        return 1
    return 0


def _act(deployment: Deployment, options: argparse.Namespace) -> None:
    if options.action == "up":
        deployment.smoke(deployment.up(), "smoke_api")
    else:
        erase = _erase(options.stage, options.erase_data)
        deployment.down(erase=erase)


def _erase(stage: str, asked: str) -> bool:
    """Whether to erase the data too: asked for by name once, and once more at the keyboard."""
    if not asked:
        print("Table, buckets, user pool, key and secret stay: they hold data.")
        return False
    again = input(f"This erases every task, user and figure of {stage}. Type the stage's name: ")
    if {asked, again} != {stage}:
        raise tools.ToolError("the names differ: nothing was removed")
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.deployment", description=__doc__)
    parser.add_argument("action", choices=("up", "down"))
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="arm64")
    parser.add_argument("--erase-data", default=os.environ.get("ERASE_DATA", ""), metavar="STAGE")
    parser.add_argument("-c", dest="context", action="append", default=[], metavar="NAME=VALUE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
