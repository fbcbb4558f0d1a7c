"""The suites do not depend on the shell that starts them."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import environment

ROOT = Path(__file__).resolve().parent.parent
HOSTILE = {
    # A real account, in each of the ways that boto3 finds one.
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "AWS_SECRET_ACCESS_KEY": "real",
    "AWS_SESSION_TOKEN": "real",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
    "AWS_CA_BUNDLE": "/nowhere",
    "HTTP_PROXY": "http://127.0.0.1:9",
    "NO_PROXY": "",
    # A running copy's settings, as `.local/env` exports them.
    "ENVIRONMENT": "local",
    "APP_URL": "http://127.0.0.1:8000",
    "ALLOWED_HOSTS": "nowhere",
    "SECRET_KEY": "another",
    "TABLE_NAME": "another",
    "USER_POOL_ID": "another",
    "COGNITO_ISSUER": "https://another",
    "GOLD_BUCKET": "another",
    "GLUE_DATABASE": "another",
    "LOCAL_DIR": "/nowhere",
    "LOCAL_AWS_PORT": "1",
    "STATIC_ROOT": "/nowhere",
    "DEMO_PASSWORD": "another",
    "DEBUG": "true",
    "LOG_LEVEL": "DEBUG",
    "RATE_LIMIT_PER_MINUTE": "1",
    "REPORTING_TIMEZONE": "Pacific/Apia",
    "STAGE": "prod",
    # Python, Django, time zone and language.
    "DJANGO_SETTINGS_MODULE": "nothing.settings",
    "DJANGO_ALLOW_ASYNC_UNSAFE": "",
    "PYTHONOPTIMIZE": "",
    "PYTHONIOENCODING": "ascii",
    "TZ": "Pacific/Kiritimati",
    "LC_ALL": "C",
    "LANGUAGE": "de",
}


def outcome(command: list[str]) -> str:
    """Run pytest in a hostile shell; return its last line."""
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **HOSTILE}, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-5000:]
    return said.strip().splitlines()[-1]


def test_only_the_machines_variables_and_known_values_are_left(monkeypatch):
    for name in list(os.environ):
        monkeypatch.setenv(name, os.environ[name])  # puts all of them back afterwards
    for name, value in HOSTILE.items():
        monkeypatch.setenv(name, value)
    for name in [name for name in os.environ if name.startswith("TEST_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(time, "tzset", lambda: None)  # this process keeps its zone
    environment.clean()
    left = {name: os.environ[name] for name in HOSTILE if name in os.environ}
    assert left == {name: environment.KNOWN[name] for name in ("LC_ALL", "NO_PROXY", "TZ")} | {
        "HTTP_PROXY": HOSTILE["HTTP_PROXY"]  # with NO_PROXY it hides nothing on this machine
    }


@pytest.mark.long
@pytest.mark.slow
def test_the_tests_pass_in_a_shell_with_settings_of_its_own():
    files = ["tests/identity/test_requests.py", "tests/store/test_connection.py", "tests/etl/test_capture.py"]
    said = outcome([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files])
    assert " passed" in said


@pytest.mark.long
@pytest.mark.slow
def test_the_stacks_tests_pass_in_a_shell_with_settings_of_its_own():
    python = ROOT / ".venv-infra" / "bin" / "python"
    if not python.exists():
        pytest.skip("needs .venv-infra: make infra-env")
    command = [
        str(python),
        "-m",
        "pytest",
        "tests/infra/test_local.py",
        "-p",
        "no:django",
        "-p",
        "no:cacheprovider",
    ]
    said = outcome([*command, "-o", "addopts=", "--confcutdir=tests/infra", "-q", "-k", "all_four_stacks"])
    assert " passed" in said
