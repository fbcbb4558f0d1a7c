"""The adapter's own cases, in a process whose Django knows nothing of the site."""

import os
import subprocess
import sys
import venv
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def run(python: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    environ["PYTHONPATH"] = str(ROOT)
    command = [python, "-m", "tests.dynamo_admin.run"]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=600)


def test_it_works():
    done = run(os.environ.get("ADAPTER_PYTHON", sys.executable))
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


@pytest.mark.slow
def test_newest_django(tmp_path):
    """The newest Django there is for this Python, in an environment of its own."""
    venv.create(tmp_path / "django", with_pip=True)
    python = str(tmp_path / "django" / "bin" / "python")
    pinned = [f"{name}=={metadata.version(name)}" for name in ("pynamodb", "boto3", "pytest")]
    subprocess.run([python, "-m", "pip", "install", "--quiet", "Django", *pinned], check=True, timeout=600)
    done = run(python)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]


def test_private_apis_are_listed():
    """Every name with a leading underscore that the adapter uses of others is in its README."""
    import re

    folder = ROOT / "todo_site" / "dynamo_admin"
    readme = (folder / "README.md").read_text()
    own = {"_write", "_put", "_path", "_page", "_within", "_sorted", "_stream", "_say", "_rows_to_export", "_unchanged",
           "_latest", "_user_id", "_fields", "_refuse"}  # fmt: skip
    used = set()
    for path in folder.glob("*.py"):
        used |= set(re.findall(r"\.(_[a-z]\w+)", path.read_text()))
    assert not {name for name in used - own if f"{name}`" not in readme}
