"""Shared by the lake commands: its settings, errors as CommandError, a progress line."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
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
