"""What the commands that run the lake have in common: its settings, a line of progress, errors as people read them."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.core.management.base import CommandError

from etl.lake.config import ConfigError, LakeConfig, lake_config

TOLD_EVERY_SECONDS = 2.0


@contextmanager
def lake() -> Iterator[LakeConfig]:
    """Give the lake's settings; what goes wrong with them or with AWS inside becomes a CommandError."""
    try:
        yield lake_config()
    except ConfigError as error:
        raise CommandError(f"The lake is not configured: {error}") from error
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"AWS says: {error}") from error


class Ticker:
    """Writes a line now and then: on a terminal always the same one."""

    def __init__(self, write: Callable[[str], Any]) -> None:
        self._write = write
        self._told = time.monotonic()
        self._live = sys.stderr.isatty()

    def __call__(self, line: str) -> None:
        """Show ``line``, unless one was shown just now."""
        now = time.monotonic()
        if now - self._told >= TOLD_EVERY_SECONDS:
            self._told = now
            self._write(f"\r\033[K{line}" if self._live else f"{line}\n")
