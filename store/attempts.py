"""How often a write that others get in the way of is tried again: counted for each write, and for each request.

A request may consist of many writes (a hundred tasks changed at once). Without a budget of its own each of them could
wait as long as a single one may.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Of one write. Fifty people who change the same task at once need some ten each.
MAX_ATTEMPTS = 30
# Of all writes of one request, the first attempt of each not counted. With pauses of 0.3 s at most, it ends in time.
MAX_RETRIES = 60

_left: ContextVar[list[int] | None] = ContextVar("retries_left", default=None)


@contextmanager
def of_one_request() -> Iterator[None]:
    """Let all writes within share the retries of one request. What is no request (a command) has none to share."""
    earlier = _left.set([MAX_RETRIES])
    try:
        yield
    finally:
        _left.reset(earlier)


def again() -> bool:
    """Use up one retry of the request; return whether there was one."""
    left = _left.get()
    if left is None:
        return True
    left[0] -= 1
    return left[0] >= 0
