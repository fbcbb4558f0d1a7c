"""Shared by the lake commands: its settings, errors as CommandError, a progress line."""

import getpass
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.core.management.base import CommandError

from etl.lake.config import ConfigError, LakeConfig, lake_config

INTERVAL_SECONDS = 2.0


@contextmanager
def lake() -> Iterator[LakeConfig]:
    """Yield the lake's settings; turn errors in them, and errors of AWS, into CommandError."""
    try:
        yield lake_config()
    except ConfigError as error:
        raise CommandError(f"The lake is not configured: {error}") from error
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"AWS says: {error}") from error


def queue_url() -> str:
    """Return the address of the failure queue; CommandError if there is none."""
    url = settings.CDC_FAILURE_QUEUE_URL
    if not url:
        raise CommandError("CDC_FAILURE_QUEUE_URL is not set.")
    return str(url)


def operator() -> str:
    """Return who runs the command, as the audit trail calls them."""
    return f"manage.py ({getpass.getuser()})"


class ProgressLine:
    """Writes a line every ``INTERVAL_SECONDS``; on a terminal it overwrites the last one."""

    def __init__(self, write: Callable[[str], Any]) -> None:
        self._write = write
        self._shown_at = time.monotonic()
        self._terminal = sys.stderr.isatty()

    def __call__(self, line: str) -> None:
        """Show ``line``, unless the last one was shown just now."""
        now = time.monotonic()
        if now - self._shown_at >= INTERVAL_SECONDS:
            self._shown_at = now
            self._write(f"\r\033[K{line}" if self._terminal else f"{line}\n")
