"""Pages of a list."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic

from store.model import AnyItem

LIMIT, MAX_LIMIT = 50, 100


@dataclass(frozen=True, slots=True)
class Page(Generic[AnyItem]):
    """Some items of a list, the cursor that gets the next ones (None at the end), and how many queries it took."""

    items: list[AnyItem]
    next_cursor: str | None
    reads: int = 1


def pages(read: Callable[[str | None], Page[AnyItem]]) -> Iterator[Page[AnyItem]]:
    """Yield every page of a list; ``read`` returns the page at a cursor."""
    cursor: str | None = None
    while True:
        page = read(cursor)
        yield page
        cursor = page.next_cursor
        if cursor is None:
            return
