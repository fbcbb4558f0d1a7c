"""Checks that a port of the loopback interface is free, and names the process that uses it."""

import shutil
import socket
import subprocess
import time
from pathlib import Path

LOOPBACK = "127.0.0.1"
LISTEN = "0A"  # the state's number in /proc/net/tcp


class PortTaken(Exception):  # noqa: N818  named for the state
    """A port is in use; the message names the port, the process if known, and the variable to change."""


def require_free(port: int, variable: str, patience: float = 3.0) -> None:
    """Wait until ``port`` is free; raise PortTaken after ``patience`` seconds.

    Processes of a killed predecessor may still be ending.
    """
    deadline = time.monotonic() + patience
    while not is_free(port):
        if time.monotonic() > deadline:
            raise PortTaken(taken_message(port, variable))
        time.sleep(0.1)


def is_free(port: int) -> bool:
    """Whether a server could listen on ``port`` now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def taken_message(port: int, variable: str) -> str:
    """Return the message for a taken port."""
    by = holder(port)
    return (
        f"Port {port} is in use{' by ' + by if by else ''}.\n"
        f"Stop that program, or choose another port: make run {variable}={port + 10}"
    )


def holder(port: int) -> str:
    """Return the process that listens on ``port``, as "name (process 123)"; "" if unknown."""
    return _holder_from_proc(port) or _holder_from_lsof(port)


def _holder_from_proc(port: int) -> str:
    sockets = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    if not sockets:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(entry.readlink()) in sockets for entry in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:
            continue  # it has ended or belongs to another user
    return ""


def _listening_inodes(port: int) -> list[str]:
    found = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if not Path(table).exists():
            continue
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                found.append(fields[9])
    return found


def _holder_from_lsof(port: int) -> str:
    if not shutil.which("lsof"):
        return ""
    command = ["lsof", "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    fields = {line[0]: line[1:] for line in output.splitlines() if line}
    return f"{fields['c']} (process {fields['p']})" if {"c", "p"} <= fields.keys() else ""
