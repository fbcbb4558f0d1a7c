"""A pytest plugin: one local AWS per test process, started and provisioned before Django reads its settings.

Loaded by ``addopts`` so that it comes before pytest-django, which imports the settings while pytest starts. With
xdist every worker has its own, on a port of its own, in a directory that goes away with it.
"""

import logging
import os
import re
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests import environment

PLACEHOLDERS = {
    "ENVIRONMENT": "test",
    "APP_URL": "http://testserver",
    "ALLOWED_HOSTS": "testserver,127.0.0.1,localhost",
    "SECRET_KEY": "only-for-tests",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "TABLE_NAME": "todo-app-data",
    "USER_POOL_ID": "unset",
    "CLIENT_ID": "unset",
    "BRONZE_BUCKET": "todo-local-bronze",
    "SILVER_BUCKET": "todo-local-silver",
    "GOLD_BUCKET": "todo-local-gold",
    "GLUE_DATABASE": "todo_analytics",
    "ATHENA_WORKGROUP": "todo-analytics-workgroup",
    "CDC_STREAM": "todo-cdc-stream",
    "LOG_LEVEL": "WARNING",
    "LOCAL_AWS_MAILS_A_DAY": "100000",  # more people sign up in a run of the suite than Cognito mails to in a day
    "LOCAL_AWS_RATES": "0",  # and in a second
    "RATE_LIMIT_PER_MINUTE": "0",  # its own tests switch it on; the others count calls
    "PAGE_LIMIT_PER_MINUTE": "0",
    "FEED_LIMIT_PER_MINUTE": "0",
    "TRIES_PER_NETWORK": "0",  # all tests come from one
    "MAILS_PER_NETWORK": "0",
}

_started: dict[str, Any] = {}


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_controller() -> bool:
    """With ``-n`` the first process only hands out work; it needs settings but no AWS."""
    asked = re.findall(r"(?:-n|--numprocesses)[ =]?(\w+)", " ".join(sys.argv[1:]))
    return "PYTEST_XDIST_WORKER" not in os.environ and bool(asked) and asked[-1] != "0"


def _start() -> None:
    environment.clean()
    os.environ.update(PLACEHOLDERS)
    if _is_controller() or {"--collect-only", "--co", "--version"} & set(sys.argv):
        return
    from localcloud.provision import provision
    from localcloud.roles import credentials

    directory = Path(tempfile.mkdtemp(prefix="todo-tests-"))
    server = _serve(directory)
    _started.update(server=server, directory=directory)
    os.environ.update(provision(server.endpoint_url, directory))
    os.environ.update(ENVIRONMENT="test", APP_URL="http://testserver", **credentials("web"))


def _serve(directory: Path, attempts: int = 3) -> Any:
    """Start a local AWS; try another port if a process beside this one took the free port first."""
    from localcloud.server import LocalAws, LocalAwsError

    server = LocalAws(directory, free_port(), saves=False)
    try:
        server.start()
    except LocalAwsError:
        if attempts == 1:
            raise
        return _serve(directory, attempts - 1)
    return server


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Start before pytest-django's hook of the same name imports the settings."""
    if "server" not in _started:
        _start()


@pytest.hookimpl(trylast=True)
def pytest_configure() -> None:
    """Set the time zone once more: Django's settings changed the process's to theirs."""
    environment.use_time_zone()


def pytest_unconfigure() -> None:
    """Stop what this process started and remove its data."""
    server = _started.pop("server", None)
    if server is not None:
        logging.disable()  # the product's threads notice that their AWS is gone
        server.kill()
        shutil.rmtree(str(_started.pop("directory")), ignore_errors=True)
