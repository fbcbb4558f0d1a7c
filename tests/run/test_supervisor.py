"""Programs are restarted when they crash, stopped in order, and end with their parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from localcloud import supervisor as supervision
from localcloud.supervisor import Child, Program, Supervisor, rotate


@pytest.fixture
def said():
    return []


@pytest.fixture
def supervisor(tmp_path, said):
    one = Supervisor(tmp_path / "logs", said.append)
    yield one
    one.kill()


def program(name: str, script: str) -> Program:
    return Program(name, [sys.executable, "-u", "-c", script], dict(os.environ))


def until(condition, what: str = "it happens") -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)


def lines(child: Child) -> list[str]:
    return child.log.read_text().split()


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


SLEEP = "import time; print('up'); time.sleep(600)"


def test_a_program_is_started_and_stopped(supervisor):
    child = supervisor.start(program("sleeper", SLEEP))
    until(lambda: lines(child) == ["up"])
    supervisor.stop([["sleeper"]])

    assert child.ended
    assert child.process.returncode == -signal.SIGTERM


def test_what_crashed_is_started_again_and_said(supervisor, said, monkeypatch):
    monkeypatch.setattr(supervision, "FIRST_PAUSE", 0.01)
    child = supervisor.start(program("fragile", SLEEP))
    until(lambda: lines(child) == ["up"])
    child.process.kill()
    until(lambda: supervisor.restart_ended() or len(lines(child)) == 2)

    assert not child.ended
    assert len(said) == 1
    assert "fragile was killed by signal 9" in said[0]
    assert str(child.log) in said[0]


def test_the_pause_grows_while_it_keeps_failing(supervisor, said, monkeypatch):
    monkeypatch.setattr(supervision, "FIRST_PAUSE", 0.01)
    supervisor.start(program("broken", "raise SystemExit(3)"))
    until(lambda: supervisor.restart_ended() or len(said) == 4)

    assert all("broken ended with status 3" in line for line in said)
    assert [line.partition("restarting it in ")[2].split()[0] for line in said] == [
        "0.01",
        "0.02",
        "0.04",
        "0.08",
    ]


def test_groups_stop_one_after_the_other(supervisor, tmp_path):
    script = (
        "import signal, sys, time\n"
        "def end(*_):\n"
        f"    open({str(tmp_path / 'order')!r}, 'a').write(sys.argv[1] + ' ')\n"
        "    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "print('up')\n"
        "time.sleep(600)\n"
    )
    for name in ("base", "middle", "top"):
        plain = program(name, script)
        supervisor.start(Program(name, [*plain.command, name], plain.environment))
    until(lambda: all(lines(child) == ["up"] for child in supervisor.children.values()))
    supervisor.stop([["top"], ["middle", "not-started"], ["base"]])

    assert (tmp_path / "order").read_text().split() == ["top", "middle", "base"]


def test_what_does_not_stop_is_killed(supervisor, said):
    stubborn = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(600)"
    )
    child = supervisor.start(program("stubborn", stubborn))
    until(lambda: lines(child) == ["up"])
    supervisor.stop([["stubborn"]], seconds=0.1)

    assert child.process.returncode == -signal.SIGKILL
    assert "stubborn did not stop" in said[0]


# A parent that starts one program, says its process id, and waits to be killed.
PARENT = """
import os, sys, time
from pathlib import Path
from localcloud.supervisor import Program, Supervisor
script = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; time.sleep(600)'])"
child = Supervisor(Path(sys.argv[1]), print).start(Program("child", [sys.executable, "-c", {script}], dict(os.environ)))
print(child.process.pid, flush=True)
time.sleep(600)
"""
SIMPLE = "'import time; time.sleep(600)'"
WITH_GRANDCHILD = "script"


def killed_parent(tmp_path: Path, script: str, **environment: str) -> int:
    """Start the parent, kill it, and return the process id of what it had started."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.replace("{script}", script), str(tmp_path / "logs")],
        cwd=supervision.ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )
    child = int(parent.stdout.readline())
    assert alive(child)
    parent.kill()
    parent.wait()
    parent.stdout.close()
    return child


def test_no_program_outlives_a_killed_runner(tmp_path):
    child = killed_parent(tmp_path, SIMPLE)

    until(lambda: not alive(child), "the program has ended")


def members(group: int) -> list[int]:
    """Return the running processes of a process group."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


def test_where_the_kernel_does_not_help_a_pipe_does_and_takes_grandchildren_along(tmp_path):
    group = killed_parent(tmp_path, WITH_GRANDCHILD, END_WITH_PARENT_BY_PIPE="1")

    until(lambda: not members(group), "the whole group has ended")


def test_the_wrapper_with_a_pipe_passes_on_signals_and_the_status(supervisor):
    script = f"import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); {SLEEP}"
    plain = program("piped", script)
    child = supervisor.start(
        Program("piped", plain.command, {**plain.environment, "END_WITH_PARENT_BY_PIPE": "1"})
    )
    until(lambda: lines(child) == ["up"])
    child.signal(signal.SIGTERM)

    assert child.wait(60)
    assert child.process.returncode == 7


def test_a_large_log_is_moved_aside(tmp_path, monkeypatch):
    monkeypatch.setattr(supervision, "LOG_LIMIT_BYTES", 10)
    log = tmp_path / "web.log"
    log.write_text("x" * 10)
    rotate(log)
    assert log.exists()
    log.write_text("x" * 11)
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "web.log.1").read_text() == "x" * 11
