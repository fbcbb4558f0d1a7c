"""A taken port is reported with its number, its holder and the way out."""

from __future__ import annotations

import os
import socket

import pytest

from localcloud import ports


@pytest.fixture
def taken():
    """A port of the loopback interface that this process listens on."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port_is_refused_with_the_process_and_another_port(taken):
    with pytest.raises(ports.PortTaken) as caught:
        ports.require_free(taken, "LOCAL_AWS_PORT", patience=0)

    message = str(caught.value)
    assert f"Port {taken} is in use" in message
    assert f"(process {os.getpid()})" in message
    assert f"make run LOCAL_AWS_PORT={taken + 10}" in message


def test_a_free_port_is_free():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    ports.require_free(port, "PORT", patience=0)


def test_a_port_taken_on_every_interface_is_taken_on_ours():
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))
        server.listen()

        assert not ports.is_free(server.getsockname()[1])


def test_a_port_whose_holder_is_just_ending_is_waited_for(taken, monkeypatch):
    answers = iter([False, False, True])
    monkeypatch.setattr(ports, "is_free", lambda port: next(answers))

    ports.require_free(taken, "PORT", patience=30)
    assert next(answers, None) is None


def test_connections_in_their_last_state_do_not_count():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = server.accept()
        accepted.close()  # the server's side closes first: TIME_WAIT stays with its port
        client.close()

    assert ports.is_free(port)
