"""One page of a list."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from store.schema import Item

LIMIT, MAX_LIMIT = 50, 100

AnyItem = TypeVar("AnyItem", bound=Item)


@dataclass(frozen=True, slots=True)
class Page(Generic[AnyItem]):
    """Some items of a list, and the cursor that gets the next ones (None at the end)."""

    items: list[AnyItem]
    next_cursor: str | None
