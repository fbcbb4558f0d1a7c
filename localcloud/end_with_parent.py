"""``end_with_parent.py PIPE PARENT command...``: runs a command that ends with its parent, even if that is killed.

On Linux this process asks the kernel for a signal at the parent's end and becomes the command. Elsewhere it stays
between the two and reads PIPE, whose other end only the parent holds: when that closes, it kills the command's group.
Standard library only, and run as a file without site-packages, so that it starts fast.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1


def end_with_parent(number: signal.Signals, parent: int) -> None:
    """Ask the kernel (Linux) to send this process the signal ``number`` when its parent, process ``parent``, ends."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(number))
    if os.getppid() != parent:  # it ended before the call
        os.kill(os.getpid(), number)


def watch(pipe: int, command: list[str]) -> int:
    """Run ``command`` until it ends or the other end of ``pipe`` closes; return its exit status."""
    child = subprocess.Popen(command)

    def kill_group_at_end() -> None:
        os.read(pipe, 1)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=kill_group_at_end, daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: child.send_signal(received))
    return child.wait()


def main(arguments: list[str]) -> None:
    """Run the command ``arguments[2:]``."""
    pipe, parent, command = int(arguments[0]), int(arguments[1]), arguments[2:]
    if sys.platform == "linux" and not os.environ.pop("END_WITH_PARENT_BY_PIPE", None):
        end_with_parent(signal.SIGKILL, parent)
        os.execvp(command[0], command)  # noqa: S606
    status = watch(pipe, command)
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main(sys.argv[1:])
