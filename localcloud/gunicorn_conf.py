"""Gunicorn's configuration for ``make run``."""

import os
import signal
import sys
from typing import Any

from localcloud.end_with_parent import end_with_parent

bind = f"127.0.0.1:{os.environ.get('PORT') or 8000}"
workers = 2
worker_class = "gthread"
threads = 8
limit_request_line = 8190  # the most that gunicorn has a limit for
limit_request_field_size = 64 * 1024  # larger than what the site refuses, so that it can say so
timeout = 60
graceful_timeout = 3
control_socket_disable = True
proc_name = "todo-web"


def post_fork(_server: Any, worker: Any) -> None:
    """End the worker with the master, even if that is killed."""
    if sys.platform == "linux":
        end_with_parent(signal.SIGKILL, worker.ppid)
