"""Keeps programs running: starts them so that they end with this process, restarts crashed ones, stops all in order."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
END_WITH_PARENT = ROOT / "localcloud" / "end_with_parent.py"
FIRST_PAUSE, LONGEST_PAUSE, HEALTHY_SECONDS = 0.5, 30.0, 60.0
LOG_LIMIT_BYTES = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Program:
    """A program to run: its name (also of its log file), its command and its environment variables."""

    name: str
    command: list[str]
    environment: Mapping[str, str]


class Child:
    """A running program. Its output goes to ``logs/<name>.log``."""

    def __init__(self, program: Program, logs: Path) -> None:
        self.program, self.log = program, logs / f"{program.name}.log"
        self.pause = FIRST_PAUSE
        self.restart_at: float | None = None
        self.start()

    def start(self) -> None:
        """Start the program in a session of its own, so that Ctrl-C reaches only the runner."""
        self.restart_at = None
        self.started_at = time.monotonic()
        rotate(self.log)
        watched, self._held = os.pipe()  # the kernel closes this side with the process, however that ends
        wrapper = [sys.executable, "-I", "-S", str(END_WITH_PARENT), str(watched), str(os.getpid())]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*wrapper, *self.program.command],
                cwd=ROOT,
                env=dict(self.program.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=[watched],
                start_new_session=True,
            )
        os.close(watched)

    @property
    def ended(self) -> bool:
        """Whether the program is not running."""
        return self.process.poll() is not None

    def how_it_ended(self) -> str:
        """Describe how the program ended."""
        status = self.process.returncode
        return f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"

    def signal(self, number: signal.Signals) -> None:
        """Send the program a signal, unless it has ended."""
        if not self.ended:
            self.process.send_signal(number)

    def wait(self, seconds: float) -> bool:
        """Return whether the program ended within ``seconds``."""
        try:
            self.process.wait(max(0.0, seconds))
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """Kill the program and the processes it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.release()

    def release(self) -> None:
        """Close this side of the pipe."""
        if self._held >= 0:
            os.close(self._held)
            self._held = -1

    def log_tail(self, lines: int = 15) -> str:
        """Return the end of the program's log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Supervisor:
    """Starts programs and keeps them running until ``stop``.

    Parameters
    ----------
    logs
        Directory of the log files.
    say
        Called with a line of text for the user.
    """

    def __init__(self, logs: Path, say: Callable[[str], None]) -> None:
        self.logs, self.say = logs, say
        self.children: dict[str, Child] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def start(self, program: Program) -> Child:
        """Start a program that runs until ``stop``."""
        child = self.children[program.name] = Child(program, self.logs)
        return child

    def restart_ended(self) -> None:
        """Restart programs that have ended, after a pause that doubles while they keep failing. Call it often."""
        for child in self.children.values():
            if child.restart_at is not None:
                if time.monotonic() >= child.restart_at:
                    child.start()
            elif child.ended:
                self._plan_restart(child)

    def _plan_restart(self, child: Child) -> None:
        child.kill()  # processes that it may have left behind
        if time.monotonic() - child.started_at > HEALTHY_SECONDS:
            child.pause = FIRST_PAUSE
        child.restart_at = time.monotonic() + child.pause
        name = child.program.name
        self.say(f"  {name} {child.how_it_ended()}; restarting it in {child.pause:g} s (see {child.log})")
        child.pause = min(child.pause * 2, LONGEST_PAUSE)

    def stop(self, order: list[list[str]], seconds: float = 10.0) -> None:
        """Stop the groups of programs one after the other; kill programs that do not stop in ``seconds``."""
        for group in order:
            members = [self.children[name] for name in group if name in self.children]
            for child in members:
                child.signal(signal.SIGTERM)
            deadline = time.monotonic() + seconds
            for child in members:
                if not child.wait(deadline - time.monotonic()):
                    self.say(f"  {child.program.name} did not stop in {seconds:g} s and was killed")
                child.kill()

    def kill(self) -> None:
        """Kill all programs."""
        for child in self.children.values():
            child.kill()


def rotate(log: Path) -> None:
    """Rename a large log file to ``<name>.1``, replacing an earlier one."""
    if log.exists() and log.stat().st_size > LOG_LIMIT_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
