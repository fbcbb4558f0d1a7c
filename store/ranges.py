"""How a list is read: ordered ranges of the table or its indexes, one after the other or merged, a page at a time.

A page costs one Query a range. A range that does not say everything itself is sifted: it is read ``SIFTED`` items at a
time, and after ``MAX_READS`` queries the page is handed out as full as it is.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from store import calls
from store.schema import CHANGES

SIFTED, MAX_READS = 250, 8

Values = dict[str, Any]
# Where to go on in one range: None not begun, [] at its end, otherwise the sort keys of the item to go on after.
Position = list[str] | None


@dataclass(frozen=True, slots=True)
class Range:
    """The part of one partition, of the table or an index, whose sort key lies between ``low`` and ``high``.

    Attributes
    ----------
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
    conditions
        What else must hold, as parts of a filter expression; ``#name`` stands for attribute ``name``.
    values
        Values that the conditions name.
    keep
        What else must hold, where DynamoDB has no words for it.
    """

    owner: str
    low: str
    high: str
    partition: str = ""
    index: str = ""
    forward: bool = False
    conditions: tuple[str, ...] = ()
    values: Values = field(default_factory=dict)
    keep: Callable[[Values], bool] | None = None

    @property
    def _keys(self) -> tuple[str, str]:
        if self.index == CHANGES:
            return "PK", "updated_at"
        return f"{self.index}PK", f"{self.index}SK"

    def arguments(self) -> tuple[Values, dict[str, Any]]:
        """Return the values and the other arguments of ``table.query``."""
        pk, sk = self._keys
        values = {":pk": self.partition or self.owner, ":low": self.low, ":high": self.high, **self.values}
        arguments: dict[str, Any] = {
            "KeyConditionExpression": "#pk = :pk AND #sk BETWEEN :low AND :high",
            "ExpressionAttributeNames": {"#pk": pk, "#sk": sk, **self._names()},
            "ScanIndexForward": self.forward,
        }
        if self.conditions:
            arguments["FilterExpression"] = " AND ".join(self.conditions)
        if self.index:
            arguments["IndexName"] = self.index
        if not self.index.startswith("GSI"):
            arguments["ConsistentRead"] = True
        return values, arguments

    def _names(self) -> dict[str, str]:
        words = " ".join(self.conditions).replace("(", " ").replace(")", " ").replace(",", " ").split()
        return {word: word[1:] for word in words if word.startswith("#")}

    def query(self, position: Position, limit: int) -> tuple[list[Values], Position]:
        """Return what one Query finds after ``position``, and the position to go on from."""
        values, arguments = self.arguments()
        size = max(limit, SIFTED) if self.conditions or self.keep else limit
        page, last = calls.query(values, self._start(position), Limit=size, **arguments)
        return [item for item in page if self.keep is None or self.keep(item)], self.position(last)

    def position(self, item: Values) -> list[str]:
        """Return the position after ``item``; of ``{}``, the end."""
        if not item:
            return []
        return [item["SK"], item[self._keys[1]]] if self.index else [item["SK"]]

    def _start(self, position: Position) -> dict[str, str]:
        if not position:
            return {}
        pk, sk = self._keys
        index = {pk: self.partition or self.owner, sk: position[1]} if self.index else {}
        return {**index, "PK": self.owner, "SK": position[0]}


class _Stream:
    """One range while it is read."""

    def __init__(self, source: Range, position: Position) -> None:
        self.range, self.scanned = source, position
        if source.low > source.high:
            self.scanned = []
        self.taken: Position = self.scanned
        self.items: list[Values] = []

    @property
    def dry(self) -> bool:
        """Whether items may come that are not read yet, and none are at hand."""
        return not self.items and self.scanned != []

    def fill(self, limit: int) -> None:
        found, self.scanned = self.range.query(self.scanned, limit)
        self.items = found[::-1]

    def take(self) -> Values:
        item = self.items.pop()
        self.taken = self.range.position(item)
        return item

    @property
    def position(self) -> Position:
        return self.taken if self.items else self.scanned

    @property
    def next_key(self) -> tuple[str, str]:
        _, sk = self.range._keys  # noqa: SLF001
        return self.items[-1][sk], self.items[-1]["PK"]


class _Reader:
    def __init__(self, streams: list[_Stream], merged: bool) -> None:
        self.streams, self.merged, self.reads = streams, merged, 0

    def current(self, wanted: int) -> _Stream | None:
        """Return the stream whose item is next; None when there is none, or no more may be read."""
        while self.reads < MAX_READS:
            needed = self._needed()
            if needed is None:
                break
            needed.fill(wanted)
            self.reads += 1
        if self._needed() is not None:
            return None
        ready = [stream for stream in self.streams if stream.items]
        if not ready or not self.merged:
            return next(iter(ready), None)
        choose = min if ready[0].range.forward else max
        return choose(ready, key=lambda stream: stream.next_key)

    def _needed(self) -> _Stream | None:
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
    ranges: Sequence[Range], limit: int, positions: list[Position] | None = None, *, merged: bool = False
) -> tuple[list[Values], list[Position] | None]:
    """Return a page of at most ``limit`` items, and the positions to go on from (None at the end of the list).

    Parameters
    ----------
    ranges
        What the list is made of.
    positions
        What an earlier page returned.
    merged
        Whether the ranges are merged by their sort keys; otherwise they follow each other.
    """
    starts = positions or [None] * len(ranges)
    streams = [_Stream(*pair) for pair in zip(ranges, starts, strict=True)]
    reader = _Reader(streams, merged)
    found: list[Values] = []
    while (stream := reader.current(limit + 1 - len(found))) and len(found) < limit:
        found.append(stream.take())
    return found, None if reader.finished else [stream.position for stream in streams]


def count(ranges: Sequence[Range], at_most: int) -> int:
    """Return how many items match, counting no further than ``at_most`` items of each range. One Query a range."""
    return sum(_counts(ranges, at_most))


def _counts(ranges: Sequence[Range], at_most: int) -> Iterator[int]:
    for source in ranges:
        if source.low <= source.high:
            values, arguments = source.arguments()
            yield calls.count(values, Limit=at_most, **arguments)
