"""Prepares the process before ministack is imported, because ministack reads its settings at import time.

Hole closed: ministack binds 0.0.0.0, opens side ports (MQTT, SFTP, database proxies) on all interfaces,
accepts any confirmation code, and keeps its state in a shared directory under /tmp.
"""

import os
import socket
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

MINISTACK = "1.5.33"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Place:
    """The state directory of this local AWS and its port on 127.0.0.1."""

    state: Path
    port: int


def prepare() -> Place:
    """Check the pin, keep every socket on the loopback interface, set ministack's environment."""
    _require_pinned_version()
    if os.environ.get("LOCAL_AWS_AUDIT") == "1" and os.environ.get("CI"):
        sys.exit("LOCAL_AWS_AUDIT refuses nothing, so it proves nothing: not in CI.")
    place = _place()
    place.state.mkdir(parents=True, exist_ok=True)
    os.environ.pop("MINISTACK_HOST", None)  # it would fix host and port in every queue URL
    os.environ.update(_settings(place))
    _keep_sockets_on_loopback()
    return place


def _require_pinned_version() -> None:
    try:
        installed = version("ministack")
    except PackageNotFoundError:
        installed = "not installed"
    if installed != MINISTACK:
        sys.exit(
            f"localcloud.aws patches the internals of ministack {MINISTACK}, but found: {installed}. "
            f"Install the pinned version, or review every module of localcloud/aws against the new one."
        )


def _place() -> Place:
    local = Path(os.environ.get("LOCAL_DIR") or ".local").resolve()
    return Place(local / "aws", int(os.environ.get("LOCAL_AWS_PORT") or 4566))


def _settings(place: Place) -> dict[str, str]:
    return {
        "BIND_HOST": LOOPBACK,
        "GATEWAY_PORT": str(place.port),
        "AUTH": "true",
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(place.state / "s3"),
        "PERSIST_STATE": "1",
        "STATE_DIR": str(place.state / "services"),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "USE_SSL": "0",
        "ATHENA_ENGINE": "duckdb",
        "LOG_LEVEL": os.environ.get("LOCAL_AWS_LOG_LEVEL", "WARNING"),
        "TZ": "UTC",
    }


def _keep_sockets_on_loopback() -> None:
    """Bind every socket of this process to the loopback interface, whatever address a service asks for."""
    bind = socket.socket.bind

    def bind_loopback(self: socket.socket, address: Any) -> None:
        if self.family == socket.AF_INET and isinstance(address, tuple):
            address = (LOOPBACK, *address[1:])
        elif self.family == socket.AF_INET6 and isinstance(address, tuple):
            address = ("::1", *address[1:])
        bind(self, address)

    socket.socket.bind = bind_loopback  # type: ignore[method-assign, assignment]
