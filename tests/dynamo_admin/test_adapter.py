"""The adapter's own cases, in a process whose Django knows nothing of the site."""

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from tests.roles import OWNER

ROOT = Path(__file__).parent.parent.parent


def run(python: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environ |= {"PYTHONPATH": str(ROOT), **OWNER.variables}  # the cases make a table of their own
    command = [python, "-m", "tests.dynamo_admin.run"]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=600)


def test_the_cases_pass_on_the_installed_django():
    done = run(os.environ.get("ADAPTER_PYTHON", sys.executable))
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


@pytest.mark.long
def test_newest_django(tmp_path):
    """The newest Django that installs on this Python, in an environment of its own."""
    python = str(tmp_path / "bin" / "python")
    pinned = [f"{name}=={metadata.version(name)}" for name in ("pynamodb", "boto3", "pytest")]
    uv("venv", "--python", sys.executable, str(tmp_path), "--allow-existing")
    uv("pip", "install", "--python", python, "--upgrade", "Django", *pinned)
    done = run(python)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    newest = re.search(r"^Django (\d+)\.(\d+)", done.stdout, re.MULTILINE)
    expected = (6, 1) if sys.version_info >= (3, 12) else (5, 2)  # Django 6 left Python 3.11 behind
    assert tuple(map(int, newest.groups())) >= expected
    print(newest[0])


def uv(*arguments: str) -> None:
    """Run uv, which `make env` installs beside this Python."""
    program = Path(sys.executable).parent / "uv"
    subprocess.run([str(program), "--quiet", *arguments], check=True, timeout=600)


def test_private_apis_are_listed():
    """Every name with a leading underscore that the adapter uses of others is in its README."""
    folder = ROOT / "dynamo_admin"
    readme = (folder / "README.md").read_text()
    own = {"_put", "_path", "_page", "_within", "_sorted", "_stream", "_rows_to_export", "_unchanged",
           "_latest", "_user_id", "_fields", "_refuse", "_rows", "_report", "_cannot", "_check_controls",
           "_kept", "_position", "_signer", "_sorts_by", "_place", "_why", "_copied", "_count",
           "_unreadable_page"}  # fmt: skip
    used = set()
    for path in folder.glob("*.py"):
        used |= set(re.findall(r"\.(_[a-z]\w+)", path.read_text()))
    assert not {name for name in used - own if f"{name}`" not in readme}


def test_every_guard_exists():
    """The tests that the README names are among the cases."""
    readme = (ROOT / "dynamo_admin" / "README.md").read_text()
    named = set(re.findall(r"`(test_\w+)`", readme)) - {"test_adapter"}
    cases = (Path(__file__).parent / "cases.py").read_text()
    assert named
    assert {name for name in named if f"def {name}(" not in cases} == set()
