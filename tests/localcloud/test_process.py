"""The process: where it listens, how it stops, what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from localcloud.server import ROOT, LocalAws, LocalAwsError
from tests.localcloud.conftest import ClientOf, free_port
from tests.localcloud.dynamo import all_items, item, make_table

PYTHON = str(ROOT / ".venv-aws/bin/python")


def listening(pid: int) -> set[str]:
    """Addresses on which a process listens."""
    if not Path("/proc/net/tcp").exists():
        lsof = ["lsof", "-nP", "-iTCP", "-sTCP:LISTEN", "-a", "-Fn", "-p", str(pid)]
        lines = subprocess.run(lsof, capture_output=True, text=True, check=True).stdout.splitlines()
        return {line[1:].rpartition(":")[0] for line in lines if line.startswith("n")}
    own = {str(path.readlink()) for path in Path(f"/proc/{pid}/fd").iterdir() if path.is_symlink()}
    rows = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]
    ]
    hexadecimal = {row[1].partition(":")[0] for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in own}
    return {"127.0.0.1" if address == "0100007F" else address for address in hexadecimal}


def test_a_new_local_aws_is_empty(aws: LocalAws, of: ClientOf) -> None:
    assert of("s3").list_buckets()["Buckets"] == []


def test_nothing_listens_beyond_the_loopback_interface(aws: LocalAws, of: ClientOf) -> None:
    of("transfer").create_server(Protocols=["SFTP"])
    of("iot").list_things()
    of("cognito-idp").list_user_pools(MaxResults=1)
    assert aws.process is not None
    assert listening(aws.process.pid) == {"127.0.0.1"}


def test_sockets_asked_to_bind_everywhere_bind_the_loopback_interface() -> None:
    code = (
        "import socket; from localcloud.aws import environment as e; e._keep_sockets_on_loopback();"
        "s = socket.socket(); s.bind(('0.0.0.0', 0)); t = socket.create_server(('', 0));"
        "print(s.getsockname()[0], t.getsockname()[0])"
    )
    done = subprocess.run([PYTHON, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["127.0.0.1", "127.0.0.1"]


def test_a_clean_stop_keeps_everything(aws: LocalAws, of: ClientOf) -> None:
    make_table(of("dynamodb"), "work")
    of("dynamodb").put_item(TableName="work", Item=item("a"))
    process = aws.process
    aws.stop()
    assert process is not None
    assert process.returncode == 0
    aws.start()
    assert set(all_items(of("dynamodb"), "work")) == {("a", "A")}
    assert aws.log.read_text().count("stopped") == 1


def test_a_taken_port_is_said_clearly(aws: LocalAws, tmp_path: Path) -> None:
    with pytest.raises(LocalAwsError, match=f"port {aws.port} of 127.0.0.1 is taken"):
        LocalAws(tmp_path / "second", aws.port).start()


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import os, sys, pathlib; from localcloud.server import LocalAws;"
        "aws = LocalAws(pathlib.Path(sys.argv[1]), int(sys.argv[2])); aws.start();"
        "print(aws.process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path), str(free_port())]
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True)
    orphan = Path(f"/proc/{int(done.stdout)}")
    deadline = time.monotonic() + 20
    while orphan.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not orphan.exists()


def test_another_ministack_version_is_refused(tmp_path: Path) -> None:
    code = "from localcloud.aws import environment as e; e.version = lambda name: '1.5.34'; e.prepare()"
    environment = {**os.environ, "LOCAL_DIR": str(tmp_path)}
    done = subprocess.run([PYTHON, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "patches the internals of ministack 1.5.33, but found: 1.5.34" in done.stderr


def test_the_pin_is_the_version_that_is_patched() -> None:
    pins = (ROOT / "requirements/localaws.in").read_text().splitlines()
    code = "from localcloud.aws.environment import MINISTACK; print(MINISTACK)"
    patched = subprocess.run([PYTHON, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert f"ministack=={patched.stdout.strip()}" in [pin.split("#")[0].strip() for pin in pins]
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"] == ">=3.11"
