"""A whole product under test: ``make run`` in a directory and on ports of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import psutil
import pyathena
from botocore.config import Config

from tests.local_aws import PLACEHOLDERS, free_port

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 180
READY = "  Stop                  Ctrl-C"
OWN = {
    "PORT",
    "LOCAL_AWS_PORT",
    "LOCAL_DIR",
    "DEMO",
    "DEMO_PASSWORD",
    "DURABLE",
    "MAKEFLAGS",
    "MAKELEVEL",
    "ARGS",
}


def until(condition: Any, what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Return what ``condition()`` gives once it is true; fail when it never is."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s in vain until {what}"
        time.sleep(0.1)
    return result


class Stack:
    """One copy of the product; ``variables`` are given to ``make run`` as a person would."""

    def __init__(self, directory: Path, **variables: str) -> None:
        self.directory = directory
        self.port, self.aws_port = free_port(), free_port()
        self.variables = {
            "PORT": str(self.port),
            "LOCAL_AWS_PORT": str(self.aws_port),
            "LOCAL_DIR": str(directory),
            "DEMO": "0",
            **variables,
        }
        self.output = directory.with_name(f"{directory.name}.out")
        self.process: subprocess.Popen[bytes] | None = None

    def launch(self) -> subprocess.Popen[bytes]:
        """Start ``make run`` in a session of its own, as in a terminal of its own; do not wait for it."""
        shell = {name: value for name, value in os.environ.items() if name not in OWN | set(PLACEHOLDERS)}
        choices = [f"{name}={value}" for name, value in self.variables.items()]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                ["make", "run", *choices],
                cwd=ROOT,
                env={name: value for name, value in shell.items() if not name.startswith("AWS_")},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return self.process

    def start(self) -> float:
        """Start and return, when everything is up, how many seconds that took."""
        begun = time.monotonic()
        process = self.launch()

        def ready() -> bool:
            assert process.poll() is None, f"make run ended:\n{self.said()}"
            return READY in self.said()

        until(ready, "make run says where to go")
        return time.monotonic() - begun

    def said(self) -> str:
        """Return what ``make run`` has printed."""
        return self.output.read_text()

    def processes(self) -> list[psutil.Process]:
        """Return every process of this copy, ``make`` first."""
        make = psutil.Process(self.process.pid)
        return [make, *make.children(recursive=True)]

    def runner(self) -> psutil.Process:
        """Return the process that supervises the others."""
        return psutil.Process(int((self.directory / "run.lock").read_text()))

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask ``make`` to end, wait until it has, and return its status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_SECONDS)

    def kill(self, then: Callable[[], object] = lambda: None) -> None:
        """Kill every process at once; ``then`` is called before they are gone, which some may need to go."""
        processes = self.processes()
        for process in processes:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        then()
        self.process.wait()
        until(lambda: not any(running(process) for process in processes), "the killed processes are gone")

    def clean_up(self) -> None:
        """Leave nothing running, whatever state a failed test left."""
        if self.process and self.process.poll() is None:
            self.kill()

    def environment(self) -> dict[str, str]:
        """Return the variables that the env file gives to a shell."""
        shell = ["sh", "-c", f'. "{self.directory / "env"}"; env -0']
        shown = subprocess.run(
            shell, capture_output=True, check=True, env={"PATH": os.environ["PATH"]}
        ).stdout
        return dict(entry.split("=", 1) for entry in shown.decode().split("\0") if entry)

    def client(self, service: str, config: Config | None = None) -> Any:
        """Return a boto3 client of this copy's local AWS."""
        variables = self.environment()
        return boto3.client(
            service,
            config=config,
            endpoint_url=variables["AWS_ENDPOINT_URL"],
            region_name=variables["AWS_DEFAULT_REGION"],
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        )

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Return the rows of an Athena query over this copy's lake."""
        variables = self.environment()
        connection = pyathena.connect(
            endpoint_url=variables["AWS_ENDPOINT_URL"],
            region_name=variables["AWS_DEFAULT_REGION"],
            aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
            work_group=variables["ATHENA_WORKGROUP"],
            schema_name=variables["GLUE_DATABASE"],
            poll_interval=0.05,
        )
        return list(connection.cursor().execute(sql).fetchall())

    def sign_up(self, username: str, password: str = "Crash-test-1") -> None:
        """Create a confirmed Cognito account unless it exists."""
        cognito, pool = self.client("cognito-idp"), self.environment()["USER_POOL_ID"]
        try:
            cognito.admin_create_user(UserPoolId=pool, Username=username, MessageAction="SUPPRESS")
        except cognito.exceptions.UsernameExistsException:
            return
        cognito.admin_set_user_password(UserPoolId=pool, Username=username, Password=password, Permanent=True)

    def token(self, username: str, password: str = "Crash-test-1") -> str:
        """Return a Cognito ID token."""
        answer = self.client("cognito-idp").initiate_auth(
            ClientId=self.environment()["CLIENT_ID"],
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": password},
        )
        return str(answer["AuthenticationResult"]["IdToken"])

    def published(self) -> dict[str, Any]:
        """Return what the lake says of its published snapshot; empty before the first."""
        s3, bucket = self.client("s3"), self.environment()["GOLD_BUCKET"]
        try:
            body = s3.get_object(Bucket=bucket, Key="gold/_current.json")["Body"].read()
        except s3.exceptions.NoSuchKey:
            return {}
        return dict(json.loads(body))


def running(process: psutil.Process) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
