"""Start and stop the local AWS as a process (tests and `make run` use this; product code never does)."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOOPBACK = "127.0.0.1"


class LocalAwsError(RuntimeError):
    """The local AWS did not start; the message holds the end of its log."""


class LocalAws:
    """One local AWS process with its state under ``directory / "aws"``.

    Parameters
    ----------
    directory
        LOCAL_DIR: holds the state and the log file ``aws.log``.
    port
        Port of 127.0.0.1 to serve on.
    """

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = Path(directory)
        self.port = port
        self.endpoint_url = f"http://{LOOPBACK}:{port}"
        self.log = self.directory / "aws.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, timeout: float = 60) -> None:
        """Start the process and return when it serves requests; LocalAwsError if it does not."""
        if self._listening():
            raise LocalAwsError(
                f"port {self.port} of {LOOPBACK} is taken; choose another with LOCAL_AWS_PORT"
            )
        self.directory.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            "LOCAL_DIR": str(self.directory),
            "LOCAL_AWS_PORT": str(self.port),
            "LOCAL_AWS_PARENT": str(os.getpid()),
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [str(ROOT / ".venv-aws/bin/python"), "-m", "localcloud.aws"],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._wait_until_ready(timeout)

    def stop(self, timeout: float = 15) -> None:
        """Stop cleanly (SIGTERM); a process that does not end in time is killed. Idempotent."""
        self._end(signal.SIGTERM, timeout)

    def kill(self) -> None:
        """End the process at once (SIGKILL), as a crash would. Idempotent."""
        self._end(signal.SIGKILL, timeout=15)

    def _end(self, number: signal.Signals, timeout: float) -> None:
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def _wait_until_ready(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while not self._ready():
            ended = self.process is not None and self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.kill()
                raise LocalAwsError(
                    f"the local AWS did not start; the end of {self.log}:\n{self._log_tail()}"
                )
            time.sleep(0.05)

    def _ready(self) -> bool:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=2)
        try:
            connection.request("GET", "/_ministack/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except OSError:
            return False
        finally:
            connection.close()

    def _listening(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((LOOPBACK, self.port)) == 0

    def _log_tail(self) -> str:
        return self.log.read_bytes()[-3000:].decode(errors="replace")
