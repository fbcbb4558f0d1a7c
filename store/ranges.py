"""How a list is read: ordered ranges of the table or its indexes, one after the other or merged, a page at a time.

A page costs one Query a range. A range that does not say everything itself is sifted: it is read ``SIFTED`` items at a
time, and after ``MAX_READS`` queries the page is handed out as full as it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic

from pynamodb.expressions.condition import Condition

from store import reading
from store.model import CHANGES, AnyItem, Authored
from store.steps import Steps

SIFTED, MAX_READS = 250, 8

# Where to go on in one range: None not begun, [] at its end, otherwise the sort keys of the item to go on after.
Position = list[str] | None


@dataclass(frozen=True, slots=True)
class Range(Generic[AnyItem]):
    """The part of one partition, of the table or an index, whose sort key lies between ``low`` and ``high``.

    Attributes
    ----------
    model
        The class of the items.
    owner
        PK of the items.
    low, high
        Sort keys, both inclusive.
    partition
        Of an index: its partition key, if that is not PK itself.
    index
        Name of the index, "" for the table.
    forward
        Whether the list goes from low to high.
    by_item
        Whether ranges are merged by the items' own sort keys, not by those of the index.
    condition
        What else must hold.
    keep
        What else must hold, where DynamoDB has no words for it.
    """

    model: type[AnyItem]
    owner: str
    low: str
    high: str
    partition: str = ""
    index: str = ""
    forward: bool = False
    by_item: bool = False
    condition: Condition | None = None
    keep: Callable[[AnyItem], bool] | None = None

    @property
    def _keys(self) -> tuple[str, str]:
        if self.index == CHANGES:
            return "PK", "updated_at"
        return f"{self.index}PK", f"{self.index}SK"

    @property
    def partition_key(self) -> str:
        """The partition to read."""
        return self.partition or self.owner

    @property
    def between(self) -> Condition:
        """The condition on the sort key."""
        between: Condition = getattr(Authored, self._keys[1]).between(self.low, self.high)
        return between

    def portion(self, wanted: int) -> int:
        """Return how many items one Query reads for a page that lacks ``wanted``."""
        return wanted if self.condition is None and self.keep is None else max(wanted, SIFTED)

    def query(self, position: Position, limit: int) -> tuple[list[AnyItem], Position]:
        """Return what one Query of ``limit`` items finds after ``position``, and the position to go on from."""
        page = reading.query(
            self.model,
            self.partition_key,
            self.between,
            index=self.index,
            filter_condition=self.condition,
            start=self._start(position),
            limit=limit,
            forward=self.forward,
        )
        found = [item for item in page.items if self.keep is None or self.keep(item)]
        return found, self.position(page.last)

    def position(self, last: Mapping[str, Any]) -> list[str]:
        """Return the position after the item whose keys are in ``last``; of ``{}``, the end."""
        if not last:
            return []
        return [last["SK"], last[self._keys[1]]] if self.index else [last["SK"]]

    def _start(self, position: Position) -> dict[str, str]:
        if not position:
            return {}
        pk, sk = self._keys
        index = {pk: self.partition_key, sk: position[1]} if self.index else {}
        return {**index, "PK": self.owner, "SK": position[0]}


class _Stream(Generic[AnyItem]):
    """One range while it is read."""

    def __init__(self, source: Range[AnyItem], position: Position) -> None:
        self.range, self.scanned = source, position
        if source.low > source.high:
            self.scanned = []
        self.taken: Position = self.scanned
        self.items: list[AnyItem] = []

    @property
    def dry(self) -> bool:
        """Whether items may come that are not read yet, and none are at hand."""
        return not self.items and self.scanned != []

    def fill(self, wanted: int, items: Steps) -> None:
        portion = self.range.portion(wanted)
        items.spend(portion)
        found, self.scanned = self.range.query(self.scanned, portion)
        self.items = found[::-1]

    def take(self) -> AnyItem:
        item = self.items.pop()
        self.taken = self.range.position(item.attribute_values)
        return item

    @property
    def position(self) -> Position:
        return self.taken if self.items else self.scanned

    @property
    def next_key(self) -> tuple[str, str]:
        _, sk = self.range._keys  # noqa: SLF001
        item = self.items[-1]
        return item.SK if self.range.by_item else item.attribute_values[sk], item.PK


class _Reader(Generic[AnyItem]):
    """Reads as much of the streams as a page of ``limit`` items needs. It counts the items that DynamoDB looks at."""

    def __init__(self, streams: list[_Stream[AnyItem]], limit: int, merged: bool) -> None:
        self.streams, self.merged, self.reads = streams, merged, 0
        self._items = Steps(MAX_READS * max(SIFTED, limit + 1))

    def current(self, wanted: int) -> _Stream[AnyItem] | None:
        """Return the stream whose item is next; None when there is none, or no more may be read."""
        while self.reads < MAX_READS:
            needed = self._needed()
            if needed is None:
                break
            needed.fill(wanted, self._items)
            self.reads += 1
        if self._needed() is not None:
            return None
        ready = [stream for stream in self.streams if stream.items]
        if not ready or not self.merged:
            return next(iter(ready), None)
        choose = min if ready[0].range.forward else max
        return choose(ready, key=lambda stream: stream.next_key)

    def _needed(self) -> _Stream[AnyItem] | None:
        """Return a stream that must be read before it is known which item is next."""
        for stream in self.streams:
            if stream.dry:
                return stream
            if stream.items and not self.merged:
                return None
        return None

    @property
    def finished(self) -> bool:
        return not any(stream.items or stream.dry for stream in self.streams)


def read(
    ranges: Sequence[Range[AnyItem]],
    limit: int,
    positions: list[Position] | None = None,
    *,
    merged: bool = False,
    fits: Callable[[AnyItem], bool] | None = None,
) -> tuple[list[AnyItem], list[Position] | None, int]:
    """Return a page of at most ``limit`` items, the positions to go on from (None at the end of the list), and how many
    queries it took.

    Parameters
    ----------
    ranges
        What the list is made of.
    positions
        What an earlier page returned.
    merged
        Whether the ranges are merged by their sort keys; otherwise they follow each other.
    fits
        Called with each item in turn; the page ends before the first that does not fit, unless that is its only one.
    """
    starts = positions or [None] * len(ranges)
    streams = [_Stream(*pair) for pair in zip(ranges, starts, strict=True)]
    reader = _Reader(streams, limit, merged)
    found: list[AnyItem] = []
    while (stream := reader.current(limit + 1 - len(found))) and len(found) < limit:
        if fits and not fits(stream.items[-1]) and found:
            break
        found.append(stream.take())
    return found, None if reader.finished else [stream.position for stream in streams], reader.reads
