"""Rehearses the life of the stage prod against the local AWS: `python -m infra.rehearsal` (`make deploy-rehearsal`).

It runs the code of `make deploy`, `make rollback` and `make destroy` against a throwaway local AWS, with the protection
of prod: stacks by the CDK command line, the web function by Zappa behind the emulated API Gateway, both smoke commands
through it, a second deployment that changes nothing, an update, a rollback from a fresh clone, a removal that keeps the
data, and their erasure from another clone. Each step is a function in `STEPS`; all get the same `Rehearsal`.
"""

import argparse
import json
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3

from infra import edge, grants, inspection, removal, tools
from infra.deployment import Deployment, step
from infra.edge import CHALLENGE
from infra.names import Names
from infra.settings import ROOT
from infra.web_package import unpacked
from localcloud.server import LocalAws

STAGE, DEPLOYER = "prod", "rehearsal-deployer"
# What the runbook asks for: whoever deploys passes a role to a service only for Zappa. CloudFormation passes those of
# the stacks, in the role that the CDK's bootstrap makes.
DEPLOYER_GRANTS = (
    {"Effect": "Allow", "NotAction": "iam:PassRole", "Resource": "*"},
    {
        "Effect": "Allow",
        "Action": "iam:PassRole",
        "Resource": f"arn:aws:iam::*:role/todo-{STAGE}-web",
        "Condition": {
            "StringEquals": {"iam:PassedToService": ["lambda.amazonaws.com", "apigateway.amazonaws.com"]}
        },
    },
)
PACKAGE_BUDGET = 70 * 2**20  # unpacked, bytecode included, Plotly.js not
SMALL = ("--tasks", "2", "--updates", "2")  # the emulated Lambda starts a process for each request
PROCESSORS = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}
# Of a checkout, but of no commit.
INSTALLED = (".venv", ".venv-infra", ".venv-aws", "node_modules", "infra/node_modules")

# By component: parts of one of its lines, in the order of the query's columns; "" for any. The function that creates
# the lake's tables is not among them: it speaks with its stack's creation, before there are subscriptions.
LINES = {
    "pages": ("web", "", "request"),
    "api": ("api", "", "request"),
    "gateway": ("gateway", "", "access"),
    "capture": ("etl", "capture", ""),
    "lake": ("etl", "gold", ""),
    "metrics": ("etl", "metrics", ""),
}
LINES_SECONDS = 360  # the metrics function runs every five minutes


@dataclass
class Rehearsal:
    """What the steps share: the deployment, and what earlier ones saw."""

    deployment: Deployment
    folder: Path
    address: str = ""
    seen: dict[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Any:
        """The settings of the stage."""
        return self.deployment.settings

    def code(self) -> str:
        """Return the digest of the code that the web function runs."""
        return str((self.deployment.configuration() or {}).get("CodeSha256"))

    def stacks(self) -> dict[str, Any]:
        """Return when each stack was changed last, by name."""
        found = removal.find_stacks(self.settings)
        return {each["StackName"]: each.get("LastUpdatedTime", each["CreationTime"]) for each in found}


def expect(found: object, wanted: object, what: str) -> None:
    """Raise ToolError unless both are equal."""
    if found != wanted:
        raise tools.ToolError(f"{what}: {found!r}, not {wanted!r}")


def both_engines(rehearsal: Rehearsal) -> None:
    """Synthesise the stage with either engine."""
    for engine in ("glue", "embedded"):
        target = rehearsal.folder / f"cdk-{engine}"
        context = ("-c", f"stage={STAGE}", "-c", f"engine={engine}")
        tools.cdk("synth", "--quiet", "--no-notices", "--output", target, *context)


def deploy(rehearsal: Rehearsal) -> None:
    """Deploy as for the first time."""
    rehearsal.address = rehearsal.deployment.up()
    protected = [each.get("EnableTerminationProtection") for each in cdk_stacks(rehearsal)]
    expect(protected, [True] * 5, "the protection of the stacks")
    print(rehearsal.deployment.who_is_paged())


def cdk_stacks(rehearsal: Rehearsal) -> list[dict[str, Any]]:
    """Return the stacks of CDK."""
    own = rehearsal.settings.web_function
    return [each for each in removal.find_stacks(rehearsal.settings) if each["StackName"] != own]


def package(rehearsal: Rehearsal) -> None:
    """Download the deployed package, import what is in the tree, and look for secrets and at its size."""
    tree = rehearsal.deployment.tree
    tree.try_imports()
    found = boto3.client("lambda").get_function(FunctionName=rehearsal.settings.web_function)
    archive = rehearsal.folder / "deployed.zip"
    with urllib.request.urlopen(found["Code"]["Location"]) as answer:  # noqa: S310  an address of the local AWS
        archive.write_bytes(answer.read())
    check_size(archive)
    secret = boto3.client("secretsmanager").get_secret_value(
        SecretId=rehearsal.deployment.output("ApiStack", "SecretKeyArn")
    )
    places = [
        *members(archive),
        *written_files(rehearsal.deployment),
        ("its variables", str(found).encode()),
    ]
    leaks = [name for name, content in places if secret["SecretString"].encode() in content]
    expect(leaks, [], "files with the secret key")
    expect(
        [name for name, _ in members(archive) if "zappa_settings.json" in name], [], "settings in the package"
    )
    left = [path for path in (rehearsal.deployment.package, *tree.folder.rglob("*.zip")) if path.exists()]
    expect(left, [], "packages left on this machine")


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Yield the name and the content of each file in a zip."""
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            yield name, opened.read(name)


def written_files(deployment: Deployment) -> Iterator[tuple[str, bytes]]:
    """Yield what a deployment wrote beside its build tree: settings, templates, assets."""
    for path in sorted(deployment.folder.rglob("*")):
        if path.is_file() and not path.is_relative_to(deployment.tree.folder):
            yield str(path), path.read_bytes()


def check_size(archive: Path) -> None:
    """Print the size of the deployed package; raise ToolError if it exceeds its budget."""
    found = unpacked(archive, without="*plotly*")
    packed = archive.stat().st_size / 2**20
    step(f"package: {packed:.1f} MiB packed, {found / 2**20:.1f} MiB unpacked without Plotly.js")
    if found > PACKAGE_BUDGET:
        raise tools.ToolError(f"The package exceeds its budget of {PACKAGE_BUDGET / 2**20:.0f} MiB.")


def smoke(rehearsal: Rehearsal) -> None:
    """Work with the site, and wait until the lake has counted it."""
    rehearsal.deployment.smoke(rehearsal.address, "smoke_api", "smoke_etl", options=SMALL)


def walk(rehearsal: Rehearsal) -> None:
    """Open the pages as each role does, with figures to see: dashboards and drill-down, export, admin."""
    rehearsal.deployment.smoke(rehearsal.address, "smoke_etl", options=(*SMALL, "--keep"))
    rehearsal.deployment.smoke(rehearsal.address, "smoke_site")


def inspect(rehearsal: Rehearsal) -> None:
    """Publish the business metrics, and look at the alarms."""
    names = Names(rehearsal.settings)
    step(f"{inspection.metrics(names.functions['metrics'])} business metrics")
    topic = rehearsal.deployment.output("MonitoringStack", "AlarmTopicArn")
    step(f"{inspection.alarms(topic)} alarms, none of them raised")


def reach_through_cloudfront(rehearsal: Rehearsal) -> None:
    """Ask for pages, the API and a static file through CloudFront, and then around it, which is refused."""
    api = edge.gateway(rehearsal.settings)
    around = f"{boto3.client('apigateway').meta.endpoint_url}/_aws/execute-api/{api}/{STAGE}"
    expect(
        [answer(around + path)[0] for path in ("/health", "/login/")], [403, 403], "answers around CloudFront"
    )
    status, headers, _ = answer(f"{rehearsal.address}/api/v1/tasks")
    expect((status, headers["WWW-Authenticate"]), (401, CHALLENGE), "how to sign in to the API")
    status, headers, page = answer(f"{rehearsal.address}/login/")
    expect(status, 200, "the sign-in page")
    expect(
        [cookie for cookie in headers.get_all("Set-Cookie", []) if "Path=/;" not in f"{cookie};"],
        [],
        "cookies",
    )
    expect(f"/{STAGE}/" in page, False, "whether the page names the stage")
    found = re.search(r'"(/static/[^"]+\.css)"', page)
    status, headers, _ = answer(rehearsal.address + (found[1] if found else ""))
    wanted = (200, edge.FOR_EVER, "nosniff")
    expect((status, headers["Cache-Control"], headers["X-Content-Type-Options"]), wanted, "a static file")


def answer(url: str) -> tuple[int, Message, str]:
    """Return status, headers and text of a GET request; a name below `localhost` need not be known on this machine."""
    parts = urlsplit(url)
    target = parts._replace(netloc=f"127.0.0.1:{parts.port}").geturl()
    request = urllib.request.Request(target, headers={"Host": parts.netloc})  # noqa: S310  the local AWS
    try:
        with urllib.request.urlopen(request) as found:  # noqa: S310
            return found.status, found.headers, found.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read().decode()


def find_every_component(rehearsal: Rehearsal) -> None:
    """Wait until Athena finds a line of every component in Bronze."""
    missing = set(LINES)
    deadline = time.monotonic() + LINES_SECONDS
    while missing and time.monotonic() < deadline:
        found = rows(rehearsal, "SELECT DISTINCT component, operation, message FROM requests")
        missing = {name for name, line in LINES.items() if not any(fits(line, row) for row in found)}
    expect(missing, set(), "components without a line in Bronze")


def fits(wanted: Sequence[str], row: Sequence[str]) -> bool:
    """Return whether a row has the wanted values."""
    return all(value in ("", found) for value, found in zip(wanted, row, strict=True))


def rows(rehearsal: Rehearsal, sql: str) -> list[list[str]]:
    """Return the rows of a query through Athena."""
    athena, output = boto3.client("athena"), rehearsal.deployment.output
    started = athena.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": output("EtlStack", "GlueDatabase")},
        WorkGroup=output("EtlStack", "AthenaWorkgroup"),
    )
    query = started["QueryExecutionId"]
    while True:
        state = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]["Status"]
        if state["State"] not in ("QUEUED", "RUNNING"):
            break
        time.sleep(0.5)
    expect(state["State"], "SUCCEEDED", f"the query ({state.get('StateChangeReason')})")
    _, *found = athena.get_query_results(QueryExecutionId=query)["ResultSet"]["Rows"]
    return [[cell.get("VarCharValue", "") for cell in row["Data"]] for row in found]


def deploy_again(rehearsal: Rehearsal) -> None:
    """Deploy the same once more: no stack changes, and the function keeps its code and its versions."""
    before = rehearsal.stacks(), rehearsal.code(), len(rehearsal.deployment.versions())
    expect(rehearsal.deployment.up(), rehearsal.address, "the address")
    after = rehearsal.stacks(), rehearsal.code(), len(rehearsal.deployment.versions())
    own = rehearsal.settings.web_function  # Zappa updates its stack in any case
    for state in (before[0], after[0]):
        state.pop(own)
    expect(after, before, "stacks, code and versions after a second deployment")


def update(rehearsal: Rehearsal) -> None:
    """Deploy another release of the web function."""
    rehearsal.seen["first code"] = rehearsal.code()
    (rehearsal.deployment.tree.app / "release.txt").write_text("the next release\n")
    rehearsal.deployment.web()
    expect(rehearsal.code() == rehearsal.seen["first code"], False, "whether the code is still the old one")
    rehearsal.deployment.smoke(rehearsal.address, "smoke_api", options=SMALL)


def clone_into(folder: Path) -> Path:
    """Return a clone of this checkout that never deployed."""
    tools.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, folder])
    for name in INSTALLED:
        if (ROOT / name).exists():
            (folder / name).symlink_to((ROOT / name).resolve())
    return folder


def roll_back(rehearsal: Rehearsal) -> None:
    """Roll back in a clone that never deployed: the code before the update runs again."""
    clone = clone_into(rehearsal.folder / "clone")
    tools.run([sys.executable, "-m", "infra.deployment", "rollback", STAGE], folder=clone)
    expect(rehearsal.code(), rehearsal.seen["first code"], "the code after the rollback")
    exported = subprocess.run(
        [sys.executable, "-m", "infra.deployment", "env", STAGE],
        cwd=clone,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    expect(
        f"export STAGE={STAGE}" in exported.splitlines(),
        True,
        "whether the clone knows the stage's variables",
    )
    rehearsal.deployment.smoke(rehearsal.address, "smoke_api", options=SMALL)


def refuse_removal(rehearsal: Rehearsal) -> None:
    """Try to remove the protected stage: nothing happens."""
    before = rehearsal.stacks(), rehearsal.code()
    refused = False
    try:
        removal.down(rehearsal.settings, erase=STAGE, confirmed=STAGE, say=step)
    except tools.ToolError as error:
        refused = "is protected" in str(error)
    expect(refused, True, "whether the removal was refused")
    expect((rehearsal.stacks(), rehearsal.code()), before, "stacks and code after a refused removal")


def remove(rehearsal: Rehearsal) -> None:
    """Remove the protection as the runbook says, then everything but the data."""
    client = boto3.client("cloudformation")
    for stack in cdk_stacks(rehearsal):
        client.update_termination_protection(StackName=stack["StackName"], EnableTerminationProtection=False)
    removal.down(rehearsal.settings, erase="", confirmed=STAGE, say=step)
    expect(removal.find_stacks(rehearsal.settings), [], "stacks that were left behind")
    expect(set(removal.find_kept(rehearsal.settings)), set(removal.DATA), "kinds of data that were kept")


def erase_what_was_kept(rehearsal: Rehearsal) -> None:
    """Erase the data of the removed stage in a clone that knows nothing of it."""
    clone = clone_into(rehearsal.folder / "another-clone")
    command = [sys.executable, "-m", "infra.deployment", "down", STAGE]
    tools.run([*command, "--erase-data", STAGE, "--confirm", STAGE], folder=clone)
    expect(leftovers(), [], "what was left behind")


def remove_again(rehearsal: Rehearsal) -> None:
    """Remove what is no longer there."""
    removal.down(rehearsal.settings, erase=STAGE, confirmed=STAGE, say=step)
    expect(leftovers(), [], "what was left behind")


STEPS: tuple[Callable[[Rehearsal], None], ...] = (
    both_engines,
    deploy,
    package,
    smoke,
    walk,
    inspect,
    reach_through_cloudfront,
    find_every_component,
    deploy_again,
    update,
    roll_back,
    refuse_removal,
    remove,
    erase_what_was_kept,
    remove_again,
)
# By action of `infra.deployment`, which a target of the Makefile runs: the steps that run it as well.
ACTIONS: Mapping[str, tuple[Callable[[Rehearsal], None], ...]] = {
    "up": (deploy, deploy_again),
    "rollback": (roll_back,),
    "env": (roll_back,),
    "down": (refuse_removal, remove, erase_what_was_kept, remove_again),
}


def leftovers() -> list[str]:
    """Return the names of resources that the removal left behind."""
    stacks = boto3.client("cloudformation").describe_stacks()["Stacks"]
    names = [stack["StackName"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"]
    functions = [each["FunctionName"] for each in boto3.client("lambda").list_functions()["Functions"]]
    buckets = [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]]
    tables = boto3.client("dynamodb").list_tables()["TableNames"]
    secrets = [each["Name"] for each in boto3.client("secretsmanager").list_secrets()["SecretList"]]
    pools = [each["Name"] for each in boto3.client("cognito-idp").list_user_pools(MaxResults=60)["UserPools"]]
    pages = boto3.client("logs").get_paginator("describe_log_groups").paginate()
    groups = [each["logGroupName"] for page in pages for each in page["logGroups"]]
    found = [*names, *functions, *buckets, *tables, *secrets, *pools, *groups]
    return [name for name in found if name.startswith(("todo-", "todo/")) or "/todo-" in name]


def account(endpoint_url: str) -> dict[str, str]:
    """Return environment variables that lead to the local AWS instead of a real account."""
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "CDK_S3_FORCE_PATH_STYLE": "1",
    }


def deployer() -> dict[str, str]:
    """Return environment variables with which to act as somebody who may deploy, and is not the account's owner."""
    principal = {"AWS": boto3.client("sts").get_caller_identity()["Arn"]}
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    iam = boto3.client("iam")
    made = iam.create_role(RoleName=DEPLOYER, AssumeRolePolicyDocument=_policy([trust]))["Role"]
    iam.put_role_policy(RoleName=DEPLOYER, PolicyName="deploy", PolicyDocument=_policy(DEPLOYER_GRANTS))
    keys = boto3.client("sts").assume_role(RoleArn=made["Arn"], RoleSessionName="rehearsal")["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
        "AWS_SESSION_TOKEN": keys["SessionToken"],
    }


def _policy(statements: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def new(port: int, folder: Path) -> Rehearsal:
    """Return a rehearsal in the local AWS on `port`, which writes what it needs into `folder`."""
    processor = PROCESSORS[platform.machine().lower()]
    shape = f"http://{{label}}.cloudfront.localhost:{port}"
    # The emulated pool signs the tokens, and the function cannot reach a pool's public address.
    keys = {"COGNITO_JWKS_URL": f"http://127.0.0.1:{port}/{{pool}}/.well-known/jwks.json"}
    return Rehearsal(
        Deployment(STAGE, {"architecture": processor, "region": "us-east-1"}, shape, keys), folder
    )


def check_grants(calls: Path) -> None:
    """Raise ToolError unless every recorded call was granted, and every grant was used or has its reason."""
    found = grants.compare(calls, STAGE)
    if found:
        raise tools.ToolError("\n".join(["The roles differ from infra/grants.json:", *found]))
    step("every call was granted, and every grant was used or has its reason")


def rehearse(rehearsal: Rehearsal) -> None:
    """Run all steps; print how long each took."""
    for each in STEPS:
        started = time.monotonic()
        step(f"REHEARSAL: {each.__name__.replace('_', ' ')}")
        each(rehearsal)
        step(f"REHEARSAL: {each.__name__.replace('_', ' ')} took {time.monotonic() - started:.0f} s")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main() -> int:
    """Run the command line; return 0 if every step succeeded."""
    parser = argparse.ArgumentParser(prog="python -m infra.rehearsal", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the local AWS; default: any free one")
    parser.add_argument("--keep", type=Path, help="folder of the local AWS, kept afterwards")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="todo-rehearsal-"))
    port = options.port or free_port()
    server = LocalAws(folder / "aws", port)
    calls = folder / "calls.jsonl"
    os.environ.update({**account(server.endpoint_url), "LOCAL_AWS_CALLS": str(calls)})
    started = time.monotonic()
    server.start()
    os.environ.update(deployer())
    try:
        rehearse(new(port, folder))
        check_grants(calls)
    except tools.ToolError as error:
        print(f"{error}\nThe log of the local AWS: {server.log}")
        return 1
    finally:
        server.stop()
    if not options.keep:
        shutil.rmtree(folder, ignore_errors=True)
    used = sum(os.times()[:4])
    print(f"rehearsed in {time.monotonic() - started:.0f} s, with {used:.0f} s of processor time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
