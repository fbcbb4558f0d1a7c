"""Rehearses a deployment against the local AWS: `python -m infra.rehearsal` (`make deploy-rehearsal`).

It runs the code of `make deploy` and `make destroy` against a throwaway local AWS: stacks by the CDK command line, the
web function by Zappa behind the emulated API Gateway, both smoke commands through it, an update, and the removal of
everything, data included.
"""

import argparse
import os
import platform
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path

import boto3

from infra import tools
from infra.deployment import Deployment, step
from infra.web_package import unpacked
from localcloud.server import LocalAws

STAGE = "dev"
PACKAGE_BUDGET = 70 * 2**20  # unpacked, bytecode included, Plotly.js not
SMALL = ("--tasks", "2", "--updates", "2")  # the emulated Lambda starts a process for each request
PROCESSORS = {"x86_64": "x86_64", "amd64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}


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


def rehearse(port: int) -> None:
    """Deploy, test, update and remove the stage in the local AWS on `port`."""
    context = {"architecture": PROCESSORS[platform.machine().lower()], "protect": "false"}
    shape = f"http://{{label}}.cloudfront.localhost:{port}"
    # The emulated pool signs the tokens, and the function cannot reach a pool's public address.
    keys = {"COGNITO_JWKS_URL": f"http://127.0.0.1:{port}/{{pool}}/.well-known/jwks.json"}
    deployment = Deployment(STAGE, context, shape, keys)
    address = deployment.up()
    step("imports of the package")
    deployment.tree.try_imports()
    check_size(deployment.tree.archive())
    deployment.smoke(address, "smoke_api", "smoke_etl", options=SMALL)
    step("update")
    deployment.web()
    deployment.smoke(address, "smoke_api", options=SMALL)
    deployment.down(erase=True)
    left = leftovers()
    if left:
        raise tools.ToolError(f"left behind: {', '.join(left)}")
    step("nothing is left")


def check_size(archive: Path) -> None:
    """Print the size of the deployed package; raise ToolError if it exceeds its budget."""
    found = unpacked(archive, without="*plotly*")
    packed = archive.stat().st_size / 2**20
    step(f"package: {packed:.1f} MiB packed, {found / 2**20:.1f} MiB unpacked without Plotly.js")
    if found > PACKAGE_BUDGET:
        raise tools.ToolError(f"The package exceeds its budget of {PACKAGE_BUDGET / 2**20:.0f} MiB.")


def leftovers() -> list[str]:
    """Return the names of resources that the removal left behind."""
    stacks = boto3.client("cloudformation").describe_stacks()["Stacks"]
    names = [stack["StackName"] for stack in stacks if stack["StackStatus"] != "DELETE_COMPLETE"]
    functions = [each["FunctionName"] for each in boto3.client("lambda").list_functions()["Functions"]]
    buckets = [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]]
    tables = boto3.client("dynamodb").list_tables()["TableNames"]
    found = [*names, *functions, *buckets, *tables]
    return [name for name in found if name.startswith("todo-")]


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
    server = LocalAws(folder, port)
    os.environ.update(account(server.endpoint_url))
    started = time.monotonic()
    server.start()
    try:
        rehearse(port)
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
