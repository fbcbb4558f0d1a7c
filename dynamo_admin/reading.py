"""Readers: they find a model's rows in a table through its keys and indexes, never by a Scan."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, Protocol

from django.utils.translation import gettext_lazy
from pynamodb.models import Model

Values = dict[str, Any]
Row = tuple[str, Values]  # the item's position in the list, from which the next page continues; the item
# Sorts after every character that occurs in keys.
LAST = "\U0010ffff"
BATCH = 100
NEEDS = gettext_lazy("Filter the list first: all of it cannot be read cheaply.")


@dataclass(slots=True)
class Reads:
    """Counts the requests sent and the items DynamoDB read for them."""

    requests: int = 0
    items: int = 0


@dataclass(frozen=True, slots=True)
class Criteria:
    """The part of a query that helps to find its rows.

    Attributes
    ----------
    equal
        Field -> the values it is allowed to have.
    since, until
        Inclusive bounds of the time field that orders the list, as stored.
    descending
        Whether the newest rows come first.
    after
        Position of the last row of the previous page.
    size
        How many rows to request at a time: as many as the page probably needs.
    """

    equal: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    since: str = ""
    until: str = ""
    descending: bool = True
    after: str | None = None
    size: int = BATCH

    def value(self, name: str) -> str | None:
        """Return the only value that field ``name`` is allowed to have, or None."""
        allowed = self.equal.get(name, ())
        return str(allowed[0]) if len(allowed) == 1 else None


class Reader(Protocol):
    """The interface through which a model reads. ``ordered_by`` names the field that orders ``rows``."""

    ordered_by: str

    def get(self, key: str, reads: Reads) -> Values | None:
        """Return the row with the primary key ``key``, or None."""

    def key_of(self, values: Values) -> str:
        """Return the primary key of a row."""

    def rows(self, criteria: Criteria, reads: Reads) -> Iterator[Row]:
        """Yield the rows that may match, in order of ``order_of(criteria)``; the caller filters them."""

    def order_of(self, criteria: Criteria) -> str:
        """Return the field that orders the rows for these criteria; usually ``ordered_by``."""
        return self.ordered_by

    def missing(self, criteria: Criteria) -> str:
        """Return, for the user, why rows cannot be read by these criteria; '' if they can."""
        return ""


@dataclass(frozen=True, slots=True)
class Path:
    """An access path: a hash key of the table or of an index, possibly spread over shards.

    Attributes
    ----------
    hash_key
        Template with fields in braces. ``SHELF#{shelf}`` needs a shelf to be given; ``BOOK#{shard}`` needs nothing.
    range_key
        Template of the range key's prefix, such as ``GENRE#{genre}#``.
    index
        The PynamoDB model's attribute for the index; empty for the table itself.
    sort
        The name of the range key.
    shards
        Number of hash keys over which the items are spread; ``{shard}`` is replaced by 0, 1, ...
    timed
        Whether the range key continues, after the prefix, with the time that orders the list.
    escape
        Applied to values before they become part of a key.
    order
        The field that orders the items, if other than the reader's ``ordered_by``.
    """

    hash_key: str
    range_key: str = ""
    index: str = ""
    sort: str = "SK"
    shards: int = 1
    timed: bool = False
    escape: Callable[[str], str] = str
    order: str = ""

    def fields(self) -> set[str]:
        """Return the names of the fields that the templates need."""
        texts = (self.hash_key, self.range_key)
        names = {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}
        return names - {"shard"}

    def rows(self, item: type[Model], criteria: Criteria, reads: Reads) -> Iterator[Row]:
        """Yield the path's items in the order of the range key, merging the shards."""
        given = {name: self.escape(str(criteria.value(name))) for name in self.fields()}
        prefix = self.range_key.format(**given)
        size = criteria.size if self.shards == 1 else max(4, -(-criteria.size // self.shards) + 2)
        hash_keys = [self.hash_key.format(shard=shard, **given) for shard in range(self.shards)]
        streams = [self._stream(item, key, prefix, criteria, min(size, BATCH), reads) for key in hash_keys]
        return heapq.merge(*streams, key=lambda row: row[0], reverse=criteria.descending)

    def _stream(
        self, item: type[Model], hash_key: str, prefix: str, criteria: Criteria, size: int, reads: Reads
    ) -> Iterator[Row]:
        low, high = prefix, prefix + LAST
        if self.timed:
            low, high = prefix + criteria.since, f"{prefix}{criteria.until}{LAST}"
        if criteria.after:
            low, high = (
                (low, min(high, criteria.after)) if criteria.descending else (max(low, criteria.after), high)
            )
        if low > high:
            return
        source: Any = getattr(item, self.index) if self.index else item
        attributes = type(source) if self.index else item
        condition = getattr(attributes, self.sort).between(low or "\0", high)
        options = {"scan_index_forward": not criteria.descending, "page_size": size}
        found = source.query(hash_key, condition, consistent_read=not self.index, **options)
        for row in _counted(item, found.page_iter, reads):
            if row[self.sort] != criteria.after:
                yield row[self.sort], row


def _counted(item: type[Model], pages: Iterable[Any], reads: Reads) -> Iterator[Values]:
    for page in pages:
        reads.requests += 1
        reads.items += page["ScannedCount"]
        for raw in page["Items"]:
            yield values_of(item.from_raw_data(raw))


def values_of(item: Model) -> Values:
    """Return an item as {attribute name: Python value}."""
    return dict(item.attribute_values)


@dataclass(frozen=True, slots=True)
class DynamoReader:
    """Reads one kind of item through the first path whose fields are given.

    Attributes
    ----------
    item
        The PynamoDB model.
    paths
        Access paths, the narrowest first.
    locate
        Converts a primary key to the item's hash and range key; returns None for a malformed key.
    key_of
        Converts an item to its primary key.
    ordered_by
        The time field that orders every path without an ``order`` of its own.
    keep
        Returns whether an item counts; expired items, for example, stay in the table until TTL removes them.
    needs
        Message for the user when no path is usable.
    """

    item: type[Model]
    paths: tuple[Path, ...]
    locate: Callable[[str], tuple[str, str] | None]
    key_of: Callable[[Values], str]
    ordered_by: str = "created_at"
    keep: Callable[[Values], bool] = lambda values: True
    needs: Any = NEEDS

    def get(self, key: str, reads: Reads) -> Values | None:
        """Return the item with the primary key ``key``, or None. One consistent GetItem."""
        place = self.locate(key)
        if place is None:
            return None
        reads.requests += 1
        try:
            found = values_of(self.item.get(*place, consistent_read=True))
        except self.item.DoesNotExist:
            return None
        reads.items += 1
        return found if self.keep(found) else None

    def rows(self, criteria: Criteria, reads: Reads) -> Iterator[Row]:
        """Yield the items of the narrowest usable path."""
        path = self._path(criteria)
        rows = path.rows(self.item, criteria, reads) if path else iter(())
        return (row for row in rows if self.keep(row[1]))

    def order_of(self, criteria: Criteria) -> str:
        """Return the field that orders the usable path."""
        path = self._path(criteria)
        return (path and path.order) or self.ordered_by

    def missing(self, criteria: Criteria) -> str:
        """Return ``needs`` if no path is usable, else ''."""
        return "" if self._path(criteria) else str(self.needs)

    def _path(self, criteria: Criteria) -> Path | None:
        usable = (path for path in self.paths if all(criteria.value(name) for name in path.fields()))
        return next(usable, None)
