"""What `make test` leaves to `make test-long`, which runs every suite whole.

A test marked ``sliced`` or ``browser`` runs there with all its parameters and examples, and in `make test` with one set
of parameters (random order: another one in each run) and a few examples. `make test-long` sets ``WHOLE``.
"""

import os
from collections.abc import Iterable

import pytest

WHOLE = os.environ.get("WHOLE") == "1"


def examples(number: int) -> int:
    """Return how many of ``number`` Hypothesis examples this run makes; the test must be marked ``sliced``."""
    return number if WHOLE else max(2, number // 4)


def leave_out(items: Iterable[pytest.Item]) -> None:
    """Mark as ``long`` all but the first set of parameters of each test that is sliced or drives a browser."""
    seen: set[tuple[str, str]] = set()
    for item in items:
        sliced = item.get_closest_marker("sliced") or item.get_closest_marker("browser")
        if sliced and isinstance(item, pytest.Function):
            test = (str(item.path), item.originalname)
            if test in seen:
                item.add_marker("long")
            seen.add(test)
