"""Deploys one stage, and what is done to it afterwards: `python -m infra.deployment up|rollback|env|down STAGE`.

These are `make deploy`, `make rollback`, `make env-of` and `make destroy`. Every step can be repeated: after a failure,
run the same command again. All but the first need no files of an earlier deployment: they ask the deployed stacks.
"""

import argparse
import base64
import hashlib
import os
import shlex
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from infra import edge, preflight, removal, tools
from infra.lake_layer import build_lake_layer
from infra.settings import STAGES, SettingsError, of_stage
from infra.web_package import COLLECT_ENVIRONMENT, WebBuild, normalise, size

STARTED = time.monotonic()
STACKS = ("DataStack", "EtlStack", "ApiStack", "MonitoringStack")
MISSING = {"ValidationError", "ResourceNotFoundException"}  # CloudFormation's and Lambda's codes for it
NEXT = "The steps after it did not run. Fix the cause and run the same command again."
SNAPSHOT_ALIAS = "snapstart"
NOT_CONFIRMED = "PendingConfirmation"


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
        self.folder = self.settings.build / stage  # another stage's deployment touches nothing in it
        self.tree = WebBuild(self.folder, self.settings.architecture)
        self.assembly = self.folder / "cdk"
        # Beside the folder that Zappa packs, so that it cannot be in the package.
        self.zappa_settings = self.folder / "zappa_settings.json"
        self.package = self.folder / "package.zip"

    def up(self) -> str:
        """Deploy or update the whole stage; return its address.

        Raises
        ------
        tools.ToolError
            If a step fails; the steps before it are complete.
        """
        step("looking first")
        for note in preflight.check(self.settings):
            print(f"    {note}", flush=True)
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
        account = boto3.client("sts").get_caller_identity()["Account"]
        if not _exists(lambda: boto3.client("cloudformation").describe_stacks(StackName="CDKToolkit")):
            tools.cdk(
                "bootstrap", f"aws://{account}/{self.settings.region}", "--no-notices", *self._context()
            )
        tools.cdk(
            *("deploy", *STACKS, "--require-approval", "never", "--no-notices", "--progress", "events"),
            *("-c", "require_packages=true", "--output", str(self.assembly)),
            *self._context(),
        )

    def web(self) -> str:
        """Deploy the web function from the build tree, or leave it alone if it is the same; return its address."""
        earlier = self.address()
        self.write_settings(earlier)
        step("web function")
        uploaded = self._upload_static()  # before the pages that name new files
        self.pack()
        try:
            deployed = self.configuration()
            if deployed is None:
                self._zappa("deploy", self.stage, "--zip", str(self.package))
            elif deployed["CodeSha256"] == _sha256(self.package):
                step("its code is the one that runs")
                self._zappa("update", self.stage, "--no-upload", "true")
            else:
                self._zappa("update", self.stage, "--zip", str(self.package))
        finally:
            self.package.unlink(missing_ok=True)
        self._edge()
        if not uploaded:
            self._upload_static()
        address = str(self.address())
        if earlier != address:  # the first deployment makes it, and the function needs it as a setting
            self.write_settings(address)
            self._zappa("update", self.stage, "--no-upload", "true")
        step(f"deployed: {address}")
        return address

    def _edge(self) -> None:
        """Put limits on the gateway, and CloudFront in front of it."""
        step("edge")
        edge.set_up_gateway(self.settings, self.output("ApiStack", "GatewayLogsArn"))
        proof = edge.parameters(self.settings, self.output("ApiStack", "EdgeSecretArn"))
        options = ("--require-approval", "never", "--no-notices", "--app", self.assembly)
        tools.cdk("deploy", "EdgeStack", "--exclusively", *options, *proof)

    def _upload_static(self) -> bool:
        """Upload the static files; return False if their bucket does not exist yet."""
        bucket = edge.bucket_of(self.settings)
        if bucket:
            step(f"{edge.upload_static(self.tree.static, bucket)} static files")
        return bool(bucket)

    def pack(self) -> None:
        """Make the zip of the web function from the build tree: the same bytes from the same content."""
        self.package.unlink(missing_ok=True)
        before = os.umask(0o077)
        try:
            self._zappa("package", self.stage, "--output", str(self.package))
            normalise(self.package)
        finally:
            os.umask(before)

    def smoke(self, address: str, *names: str, options: Sequence[str] = ()) -> None:
        """Run smoke commands, with `options`, against the deployed stage."""
        for name in names:
            step(name)
            tools.manage(name, "--url", address, *options, environment=self.environment())

    def environment(self) -> dict[str, str]:
        """Return the environment variables of the deployed function, for commands that run here. None is secret.

        Raises
        ------
        tools.ToolError
            If the stage is not deployed.
        """
        deployed = self.configuration()
        if deployed is None:
            raise tools.ToolError(f"{self.settings.web_function} is not deployed in {self.settings.region}")
        variables: dict[str, str] = deployed["Environment"]["Variables"]
        region = self.settings.region
        return {**variables, "STAGE": self.stage, "AWS_REGION": region, "AWS_DEFAULT_REGION": region}

    def exports(self) -> str:
        """Return a shell's lines that set what the commands of the runbooks need."""
        found = sorted(self.environment().items())
        return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in found)

    def rollback(self, version: str = "") -> None:
        """Let the web function run its code before the present one, or that of a published `version`.

        Raises
        ------
        tools.ToolError
            If there is no such code, or if it does not run afterwards.
        """
        deployed = self.configuration()
        if deployed is None:
            raise tools.ToolError(f"{self.settings.web_function} is not deployed in {self.settings.region}")
        published = self.versions()
        for each in published:
            mark = "runs now" if each["CodeSha256"] == deployed["CodeSha256"] else ""
            print(f"    version {each['Version']}, {each['LastModified']} {mark}".rstrip())
        back = _wanted(published, deployed["CodeSha256"], version)
        if back is None:
            raise tools.ToolError(
                f"There is no {'version ' + version if version else 'earlier code'} to go back to."
            )
        self._run_again(published[back])
        step(f"the code of version {published[back]['Version']} runs")

    def _run_again(self, version: Mapping[str, Any]) -> None:
        """Make the code of a published version the function's own, and publish it.

        Not `zappa rollback`: that says "Done!" when there is nothing to go back to, and names no processor, for which
        Lambda then may take another one.
        """
        client, name = boto3.client("lambda"), self.settings.web_function
        found = client.get_function(FunctionName=name, Qualifier=version["Version"])
        with urllib.request.urlopen(found["Code"]["Location"], timeout=60) as answer:  # noqa: S310  Lambda's word
            code = answer.read()
        made = client.update_function_code(
            FunctionName=name, ZipFile=code, Architectures=version["Architectures"], Publish=True
        )
        client.get_waiter("function_updated_v2").wait(FunctionName=name)
        if made["CodeSha256"] != version["CodeSha256"]:
            raise tools.ToolError(
                f"The code of version {version['Version']} does not run: Lambda has other code."
            )
        if self.settings.snap_start:  # the gateway calls this alias of Zappa's
            client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier=made["Version"])
            client.update_alias(FunctionName=name, Name=SNAPSHOT_ALIAS, FunctionVersion=made["Version"])

    def versions(self) -> list[dict[str, Any]]:
        """Return the published versions of the web function, the newest first."""
        pages = boto3.client("lambda").get_paginator("list_versions_by_function")
        found = [
            each
            for page in pages.paginate(FunctionName=self.settings.web_function)
            for each in page["Versions"]
            if each["Version"] != "$LATEST"
        ]
        return sorted(found, key=lambda each: -int(each["Version"]))

    def configuration(self) -> dict[str, Any] | None:
        """Return how the web function is deployed, or None."""
        name = self.settings.web_function
        try:
            found: dict[str, Any] = boto3.client("lambda").get_function_configuration(FunctionName=name)
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                return None
            raise
        return found

    def address(self) -> str | None:
        """Return the site's public address, or None before the first deployment."""
        return edge.address(self.settings, self.shape)

    def write_settings(self, address: str | None) -> None:
        """Write Zappa's settings, from the outputs of the deployed stacks."""
        step("settings")
        settings = self.settings
        chosen = ["--stage", self.stage, "--architecture", settings.architecture]
        chosen += ["--owner", settings.owner, "--cost-center", settings.cost_center]
        chosen += ["--snap-start"] if settings.snap_start else []
        chosen += ["--output", str(self.zappa_settings)]
        if address:
            chosen += ["--app-url", address]
        chosen += ["--set", f"MAIL_SENDER={settings.sender}"]
        chosen += ["--set", f"MAILS_A_DAY={preflight.mails_a_day(settings)}"]
        # Also if there are none: Zappa keeps a variable that it is not told about.
        chosen += ["--set", f"CORS_ORIGINS={','.join(settings.cors_origins)}"]
        pool = self.output("ApiStack", "UserPoolId")
        for name, value in self.variables.items():
            chosen += ["--set", f"{name}={value.format(pool=pool)}"]
        tools.manage("write_zappa_settings", *chosen, environment=COLLECT_ENVIRONMENT)

    def output(self, stack: str, name: str) -> str:
        """Return an output of a deployed stack."""
        described = boto3.client("cloudformation").describe_stacks(StackName=self.settings.stack_name(stack))
        outputs = described["Stacks"][0]["Outputs"]
        return next(str(each["OutputValue"]) for each in outputs if each["OutputKey"] == name)

    def who_is_paged(self) -> str:
        """Return in words who gets the alarms, and how to change it if nobody does."""
        topic = self.output("MonitoringStack", "AlarmTopicArn")
        pages = boto3.client("sns").get_paginator("list_subscriptions_by_topic")
        found = [each for page in pages.paginate(TopicArn=topic) for each in page["Subscriptions"]]
        confirmed = [each["Endpoint"] for each in found if each["SubscriptionArn"] != NOT_CONFIRMED]
        if confirmed:
            return f"Alarms go to {', '.join(confirmed)}."
        if found:
            waiting = ", ".join(each["Endpoint"] for each in found)
            return f"!!! NOBODY GETS THE ALARMS until {waiting} confirms the e-mail that SNS has sent."
        return (
            f"!!! NOBODY GETS THE ALARMS. Put an address into infra/stages/{self.stage}.toml (alert_email), and deploy "
            "again."
        )

    def _zappa(self, *arguments: str) -> None:
        self.tree.app.mkdir(parents=True, exist_ok=True)
        command, stage, *options = arguments
        chosen = ("--settings_file", str(self.zappa_settings))
        tools.zappa(self.tree.app, self.tree.environment, command, stage, *chosen, *options)

    def _context(self) -> list[str]:
        return [word for name, value in self.context.items() for word in ("-c", f"{name}={value}")]


def _wanted(published: Sequence[Mapping[str, Any]], running: str, version: str) -> int | None:
    """Return the place of the version to go back to among those published, the newest first; None if there is none.

    Without a `version` it is the newest one that is older than the running code and differs from it.
    """
    if version:
        return next((n for n, each in enumerate(published) if each["Version"] == version), None)
    codes = [each["CodeSha256"] for each in published]
    start = codes.index(running) if running in codes else 0
    return next((n for n in range(start, len(codes)) if codes[n] != running), None)


def _sha256(path: Path) -> str:
    return base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()


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


def first_people(stage: str) -> str:
    """Return in words how the first people of a site get their roles."""
    return (
        "The first people: sign up on the site, then give yourself the roles:\n"
        f'  eval "$(make -s env-of STAGE={stage})"\n'
        "  .venv/bin/python manage.py make_admin you@example.com\n"
        "  .venv/bin/python manage.py make_manager you@example.com"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return 0 on success, 1 if a step failed."""
    options = _parser().parse_args(arguments)
    try:
        preflight.require_python()
        deployment = Deployment(options.stage, {})
        os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = deployment.settings.region
        if options.action == "up":
            for note in preflight.checkout(options.stage):
                print(f"    {note}", flush=True)
            deployment.smoke(deployment.up(), "smoke_api")
            print(first_people(options.stage))
            print(deployment.who_is_paged())
        elif options.action == "rollback":
            deployment.rollback(options.version)
        elif options.action == "env":
            print(deployment.exports())
        else:
            removal.down(deployment.settings, erase=options.erase_data, confirmed=options.confirm, say=step)
    except (SettingsError, tools.ToolError, ClientError, BotoCoreError) as error:
        print(f"{error}\n{NEXT}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.deployment", description=__doc__)
    parser.add_argument("action", choices=("up", "rollback", "env", "down"))
    parser.add_argument("stage", choices=STAGES)
    parser.add_argument(
        "--version", default=os.environ.get("VERSION", ""), help="of the function, for rollback"
    )
    parser.add_argument("--erase-data", default=os.environ.get("ERASE_DATA", ""), metavar="STAGE")
    parser.add_argument("--confirm", default=os.environ.get("CONFIRM", ""), metavar="STAGE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
