"""Results of commands, as lines for people or as JSON for programs; and options that say what is wrong with them."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand


class ResultCommand(BaseCommand):
    """A command with the option ``--json``. Results go to standard output, logs and errors to standard error."""

    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Define the option; extend it in commands with more."""
        add_json(parser)

    def show(self, as_json: bool, found: Any, lines: Iterable[str]) -> None:
        """Write a result: ``found`` as one line of JSON, or else the lines."""
        for line in [json.dumps(found, default=str, ensure_ascii=False)] if as_json else lines:
            self.stdout.write(line)


def add_json(parser: ArgumentParser) -> None:
    """Define the option --json."""
    parser.add_argument("--json", action="store_true", help="write the result as JSON, for programs")


def at_least(least: float, kind: Callable[[str], Any] = int) -> Callable[[str], Any]:
    """Return a type of option: a number that is not less than ``least``."""

    def number(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            raise ArgumentTypeError(f"{text!r} is not a number") from None
        if not least <= value < float("inf"):
            raise ArgumentTypeError(f"{text} is not a number from {least:g} on")
        return value

    return number


def day(text: str) -> date:
    """Return the day of an option, such as 2026-11-30."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text!r} is not a day such as 2026-11-30: {error}") from None
