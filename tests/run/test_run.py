"""Waiting for the site: what counts as up, and what as broken for good."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from localcloud.console import Console
from localcloud.run import Runner, StartError
from localcloud.settings import Settings

WEB = SimpleNamespace(log=Path("web.log"), log_tail=lambda: "ImportError: no module named nothing")


@pytest.fixture
def answering():
    """Return a function that serves one status on every path, and gives the port."""
    servers = []

    def serve(status: int) -> int:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_) -> None:
                """Say nothing."""

        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), Handler))
        threading.Thread(target=servers[-1].serve_forever, daemon=True).start()
        return servers[-1].server_port

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def runner(directory: Path, port: int) -> Runner:
    return Runner(Settings(port, 1, directory, demo=False), Console(), threading.Event())


def test_a_healthy_site_is_ready(tmp_path, answering):
    assert runner(tmp_path, answering(200)).site_healthy(WEB)


def test_a_site_that_does_not_answer_yet_is_waited_for(tmp_path, answering):
    assert not runner(tmp_path, 1).site_healthy(WEB)


def test_a_site_that_is_broken_is_not_waited_for(tmp_path, answering):
    with pytest.raises(StartError, match="500") as caught:
        runner(tmp_path, answering(500)).site_healthy(WEB)

    assert "ImportError" in str(caught.value)
