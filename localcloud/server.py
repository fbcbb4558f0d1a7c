"""Starts and stops the local AWS as a process, for tests, benchmarks and the rehearsal of a deployment."""

import http
import os
import signal
import subprocess
import time
from pathlib import Path

from localcloud.ports import LOOPBACK, is_free
from localcloud.provision import CREDENTIALS
from localcloud.readiness import status_of
from localcloud.settings import ROOT


class LocalAwsError(RuntimeError):
    """The local AWS did not start; the message holds the end of its log."""


class LocalAws:
    """A local AWS process with its state in ``directory / "aws"``.

    Parameters
    ----------
    directory
        LOCAL_DIR: holds the state and the log file ``aws.log``.
    port
        Port of 127.0.0.1 to serve on.
    saves
        Whether services save their state, so that the process can end at any time.
    """

    def __init__(self, directory: Path, port: int, *, saves: bool = True) -> None:
        self.directory = Path(directory)
        self.port = port
        self.saves = saves
        self.endpoint_url = f"http://{LOOPBACK}:{port}"
        self.log = self.directory / "aws.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, timeout: float = 60) -> None:
        """Start the process and wait until it serves requests; raise LocalAwsError if it does not."""
        if not is_free(self.port):
            raise LocalAwsError(
                f"port {self.port} of {LOOPBACK} is taken; choose another with LOCAL_AWS_PORT"
            )
        self.directory.mkdir(parents=True, exist_ok=True)
        environment = {
            **os.environ,
            **CREDENTIALS,  # the key that it takes for the account's owner, whoever starts it
            "LOCAL_DIR": str(self.directory),
            "LOCAL_AWS_PORT": str(self.port),
            "LOCAL_AWS_PARENT": str(os.getpid()),
            "LOCAL_AWS_SAVES": "1" if self.saves else "0",
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
        """Stop cleanly (SIGTERM); kill the process if it does not end in time. Idempotent."""
        self._end(signal.SIGTERM, timeout)

    def kill(self) -> None:
        """Kill the process (SIGKILL), as a crash would. Idempotent."""
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
        while status_of(f"{self.endpoint_url}/_ministack/ready") != http.HTTPStatus.OK:
            ended = self.process is not None and self.process.poll() is not None
            if ended or time.monotonic() > deadline:
                self.kill()
                raise LocalAwsError(
                    f"the local AWS did not start; the end of {self.log}:\n{self._log_tail()}"
                )
            time.sleep(0.05)

    def _log_tail(self) -> str:
        return self.log.read_bytes()[-3000:].decode(errors="replace")
