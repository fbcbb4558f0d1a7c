"""What a process that was frozen knows of whose access has ended: SIGSTOP stands for Lambda's freeze."""

import contextlib
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from identity import revocations
from store.writing import write

pytestmark = pytest.mark.slow  # processes that start, freeze and wait
MAX_AGE, READ_SECONDS = 0.5, 2.0


class Line:
    """A way to the local AWS that can be cut: connections close, or answers are held back."""

    def __init__(self, target):
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._flowing = threading.Event()
        self._flowing.set()
        self.held = threading.Event()
        self.refusals = 0.0  # of how many connections to come
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.refusals:
                    self.refusals -= 1
                    client.close()
                    continue
                server = socket.create_connection(self._target)
                self._open += [client, server]
                threading.Thread(target=self._pass, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, True), daemon=True).start()

    def _pass(self, source, target, answers):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if answers and not self._flowing.is_set():
                    self.held.set()
                    self._flowing.wait()
                target.sendall(data)

    def hold(self):
        """Keep the next answer back; `held` says that it is there."""
        self._flowing.clear()

    def release(self):
        self._flowing.set()

    def cut(self):
        """Close every connection, as a network does with one that was silent for too long."""
        while self._open:
            end = self._open.pop()
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self):
        self.release()
        self.cut()
        self._listener.close()


@pytest.fixture
def line():
    address = urlsplit(os.environ["AWS_ENDPOINT_URL"])
    made = Line((address.hostname, address.port))
    yield made
    made.close()


class Process:
    """A process with its own list, and what it says."""

    def __init__(self, line):
        self._child = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("frozen.py")), str(MAX_AGE), str(READ_SECONDS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "AWS_ENDPOINT_URL": line.url, "PYTHONPATH": str(Path(__file__).parents[2])},
        )

    def ask(self, account):
        self._child.stdin.write(f"{account.id}\n")
        self._child.stdin.flush()

    def answer(self):
        """Return its next answer; lines of its log come the same way."""
        return next(line.strip() for line in self._child.stdout if not line.startswith("{"))

    def says(self, account):
        self.ask(account)
        return self.answer()

    def freeze(self):
        os.kill(self._child.pid, signal.SIGSTOP)
        # Until the kernel has stopped every thread.
        _, status = os.waitpid(self._child.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)

    def thaw(self):
        os.kill(self._child.pid, signal.SIGCONT)

    def end(self):
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            with contextlib.suppress(OSError):
                pipe.close()


@pytest.fixture
def process(line, alice):
    made = Process(line)
    try:
        assert made.says(alice) == "valid"
        yield made
    finally:
        made.end()


def revoke(account):
    write([revocations.record(account.id, "r", time.time() + 3600)])


def outlast_the_list():
    time.sleep(MAX_AGE * 2)


def test_a_thawed_process_whose_connections_are_dead_knows_it(alice, line, process):
    """The first call fails, and the list from before the freeze does not stand in for an answer."""
    process.freeze()
    revoke(alice)
    line.refusals = 1
    line.cut()
    outlast_the_list()
    process.thaw()
    assert process.says(alice) == "revoked"


def test_without_a_way_to_the_list_a_thawed_process_lets_nobody_in(alice, line, process):
    process.freeze()
    revoke(alice)
    line.refusals = math.inf
    line.cut()
    outlast_the_list()
    process.thaw()
    assert {process.says(alice) for _ in range(3)} == {"unavailable"}
    line.refusals = 0
    assert process.says(alice) == "revoked"


def test_an_answer_from_before_the_freeze_is_not_taken_for_a_new_one(alice, line, process):
    """It lay in the socket while the process was frozen."""
    time.sleep(MAX_AGE)
    line.hold()
    process.ask(alice)
    assert line.held.wait(20)
    process.freeze()
    revoke(alice)
    line.release()
    outlast_the_list()
    process.thaw()
    process.answer()  # asked before the revocation
    assert process.says(alice) == "revoked"
