"""One page of a list."""

from dataclasses import dataclass
from typing import Generic

from store.model import AnyItem

LIMIT, MAX_LIMIT = 50, 100


@dataclass(frozen=True, slots=True)
class Page(Generic[AnyItem]):
    """Some items of a list, and the cursor that gets the next ones (None at the end)."""

    items: list[AnyItem]
    next_cursor: str | None
