"""Deploys and removes one stage: `python -m infra.deployment up|down STAGE` (`make deploy`, `make destroy`).

Every step can be repeated: after a failure, run the same command again.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.exceptions import ClientError

from infra import edge, tools
from infra.lake_layer import build_lake_layer
from infra.settings import STAGES, SettingsError, of_stage
from infra.web_package import COLLECT_ENVIRONMENT, WebBuild, size

STARTED = time.monotonic()
STACKS = ("DataStack", "EtlStack", "ApiStack", "MonitoringStack")
MISSING = {"ValidationError", "ResourceNotFoundException"}  # CloudFormation's and Lambda's codes for it


class Deployment:
    """One stage in the account whose credentials are in the environment.

    Parameters
    ----------
    stage
        `dev` or `prod`.
    context
        Context values of the CDK app, in addition to the stage.
    shape
        Template of the site's public address, with `{label}`; None for CloudFront's: see `infra.edge.address`.
    variables
        Further environment variables of the web function; `{pool}` stands for the user pool's id.
    """

    def __init__(
        self,
        stage: str,
        context: Mapping[str, str],
        shape: str | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.stage = stage
        self.context = {"stage": stage, **context}
        self.settings = of_stage(stage, context)
        self.shape = shape
        self.variables = dict(variables or {})
        self.tree = WebBuild(self.settings.build, self.settings.architecture)
        self.assembly = self.settings.build / f"cdk-{stage}"
        self.synthesised = False  # whether this process did it, so that the assembly is up to date
        self.outputs = self.settings.build / f"outputs-{stage}.json"
        self.zappa_settings = self.tree.app / "zappa_settings.json"

    def up(self) -> str:
        """Deploy or update the whole stage; return its address.

        Raises
        ------
        tools.ToolError
            If a step fails; the steps before it are complete.
        """
        with ThreadPoolExecutor(max_workers=1) as pool:
            package = pool.submit(self.tree.make, tools.APP_PYTHON)
            self.stacks()
            package.result()
        step(f"package: {size(self.tree.app, self.tree.packages) / 2**20:.1f} MiB before bytecode")
        return self.web()

    def stacks(self) -> None:
        """Build the library layer and deploy the stacks that need no web function: EdgeStack follows it."""
        step("libraries of the lake")
        build_lake_layer(self.settings.build, self.settings.architecture)
        step("stacks")
        region = boto3.session.Session().region_name
        account = boto3.client("sts").get_caller_identity()["Account"]
        if not _exists(lambda: boto3.client("cloudformation").describe_stacks(StackName="CDKToolkit")):
            tools.cdk("bootstrap", f"aws://{account}/{region}", "--no-notices", *self._context())
        tools.cdk(
            *("deploy", *STACKS, "--require-approval", "never", "--no-notices", "--progress", "events"),
            *("--outputs-file", self.outputs, "-c", "require_packages=true", "--output", self.assembly),
            *self._context(),
        )
        self.synthesised = True

    def web(self) -> str:
        """Deploy the web function from the build tree; return its address."""
        earlier = self.address()
        self._write_settings(earlier)
        step("web function")
        uploaded = self._upload_static()  # before the pages that name new files
        self._zappa("update" if self._function_exists() else "deploy", self.stage)
        self._edge()
        if not uploaded:
            self._upload_static()
        address = str(self.address())
        if (
            earlier != address
        ):  # the first deployment creates the address, which the function needs as a setting
            self._write_settings(address)
            self._zappa("update", self.stage, "--no-upload", "true")
        step(f"deployed: {address}")
        return address

    def _edge(self) -> None:
        """Put limits on the gateway, CloudFront in front of it, and the static files behind CloudFront."""
        step("edge")
        api = self._outputs_of("ApiStack")
        edge.set_up_gateway(self.settings, api["GatewayLogsArn"])
        tools.cdk(
            *("deploy", "EdgeStack", "--exclusively", "--require-approval", "never", "--no-notices"),
            *("--app", self.assembly, *edge.parameters(self.settings, api["EdgeSecretArn"])),
        )

    def _upload_static(self) -> bool:
        """Upload the static files; return False if their bucket does not exist yet."""
        bucket = edge.bucket_of(self.settings)
        if bucket:
            step(f"{edge.upload_static(self.tree.static, bucket)} static files")
        return bool(bucket)

    def smoke(self, address: str, *names: str, options: Sequence[str] = ()) -> None:
        """Run smoke commands, with `options`, against the deployed stage."""
        for name in names:
            step(name)
            tools.manage(name, "--url", address, *options, environment=self.environment())

    def environment(self) -> dict[str, str]:
        """Return the environment variables of the deployed function, and the lake's, for commands that run here."""
        written = json.loads(self.zappa_settings.read_text())[self.stage]
        lake = self._outputs_of("EtlStack")
        return {
            **written["aws_environment_variables"],
            "AWS_DEFAULT_REGION": written["aws_region"],
            "LAKE_MACHINE_ARN": lake["LakeMachineArn"],
            "STATIC_ROOT": str(self.tree.app / "staticfiles"),
        }

    def down(self, *, erase: bool) -> None:
        """Remove the stage; table, buckets, user pool and key stay unless `erase`."""
        if erase and self.context.get("protect") != "false":
            step("removing the protection of the data")
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
                boto3.resource("s3").Bucket(bucket).object_versions.delete()
        edge.empty(self.settings)
        step("stacks")
        source = ("--app", self.assembly) if self.synthesised else self._context()
        tools.cdk("destroy", "--all", "--force", "--no-notices", *source)

    def address(self) -> str | None:
        """Return the site's public address, or None before the first deployment."""
        return edge.address(self.settings, self.shape)

    def _write_settings(self, address: str | None) -> None:
        step("settings")
        settings = self.settings
        chosen = ["--stage", self.stage, "--architecture", settings.architecture]
        chosen += ["--owner", settings.owner, "--cost-center", settings.cost_center]
        chosen += ["--snap-start"] if settings.snap_start else []
        chosen += ["--output", str(self.zappa_settings), "--outputs", str(self.outputs)]
        if address:
            chosen += ["--app-url", address]
        pool = self._outputs_of("ApiStack")["UserPoolId"]
        for name, value in self.variables.items():
            chosen += ["--set", f"{name}={value.format(pool=pool)}"]
        tools.manage("write_zappa_settings", *chosen, environment=COLLECT_ENVIRONMENT)

    def _outputs_of(self, stack: str) -> dict[str, str]:
        found: dict[str, dict[str, str]] = json.loads(self.outputs.read_text())
        return found[self.settings.stack_name(stack)]

    def _zappa(self, *arguments: str) -> None:
        tools.zappa(self.tree.app, self.tree.environment, *arguments)

    def _context(self) -> list[str]:
        return [word for name, value in self.context.items() for word in ("-c", f"{name}={value}")]

    def _function_exists(self) -> bool:
        name = self.settings.web_function
        return _exists(lambda: boto3.client("lambda").get_function(FunctionName=name))

    def _buckets(self) -> Iterator[str]:
        pages = boto3.client("cloudformation").get_paginator("list_stack_resources")
        for stack in ("ApiStack", "EtlStack"):
            for page in pages.paginate(StackName=self.settings.stack_name(stack)):
                for resource in page["StackResourceSummaries"]:
                    if resource["ResourceType"] == "AWS::S3::Bucket":
                        yield resource["PhysicalResourceId"]


def _exists(describe: Callable[[], object]) -> bool:
    try:
        describe()
    except ClientError as error:
        if error.response["Error"]["Code"] in MISSING:
            return False
        raise
    return True


def step(text: str) -> None:
    """Print the name of the next step, and how many seconds this command has been running."""
    print(f"--- {time.monotonic() - STARTED:4.0f} s: {text}", flush=True)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 on success, 1 if a step failed."""
    options = _parser().parse_args(arguments)
    try:
        deployment = Deployment(options.stage, {})
        os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = deployment.settings.region
        if options.action == "up":
            deployment.smoke(deployment.up(), "smoke_api")
        else:
            deployment.down(erase=_confirm_erasure(options.stage, options.erase_data))
    except SettingsError as error:
        print(error)
        return 1
    except tools.ToolError as error:
        print(f"{error}\nThe steps after it did not run. Fix the cause and run the same command again.")
        return 1
    return 0


def _confirm_erasure(stage: str, asked: str) -> bool:
    """Return whether to erase the data: the option must name the stage, and the answer to a prompt too."""
    if not asked:
        print("Table, buckets, user pool, key and secret stay, because they hold data.")
        return False
    again = input(f"This erases all tasks, users and figures of {stage}. Type the name of the stage: ")
    if {asked, again} != {stage}:
        raise tools.ToolError("The names differ: nothing was removed.")
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.deployment", description=__doc__)
    parser.add_argument("action", choices=("up", "down"))
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument("--erase-data", default=os.environ.get("ERASE_DATA", ""), metavar="STAGE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
