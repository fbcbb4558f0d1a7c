"""Where rows come from: access paths of a table, read within a budget, never by a Scan."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from string import Formatter
from typing import Any, Protocol

from django.utils.translation import gettext_lazy
from pynamodb.models import Model

Values = dict[str, Any]
Row = tuple[str, Values]  # its position, to go on after; and the item
# Sorts after every character that a key holds.
LAST = "\U0010ffff"
MANY = 100
NEEDS = gettext_lazy("Filter the list first: all of it cannot be read cheaply.")


@dataclass(slots=True)
class Reads:
    """What answering has cost so far: requests sent, and items that DynamoDB read for them."""

    requests: int = 0
    items: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list asks for, as far as it can help to find the rows.

    Attributes
    ----------
    equal
        Field -> the values it may have.
    since, until
        Bounds (inclusive) of the time field that lists are ordered by, as stored.
    descending
        Newest first.
    after
        Position to go on after, of the last page.
    size
        Rows that are likely to be needed: how many to ask for at a time.
    """

    equal: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    since: str = ""
    until: str = ""
    descending: bool = True
    after: str | None = None
    size: int = MANY

    def value(self, name: str) -> str | None:
        """Return the only value ``name`` may have, or None."""
        allowed = self.equal.get(name, ())
        return str(allowed[0]) if len(allowed) == 1 else None


class Reader(Protocol):
    """What a model reads through. ``ordered_by`` names the field in whose order ``rows`` come."""

    ordered_by: str

    def get(self, key: str, reads: Reads) -> Values | None:
        """Return the row called ``key`` (the model's primary key), or None."""

    def key_of(self, values: Values) -> str:
        """Return the primary key of a row."""

    def rows(self, wanted: Wanted, reads: Reads) -> Iterator[Row]:
        """Return candidates for what is wanted, in order of ``ordered_by``; the caller sifts them."""

    def order_of(self, wanted: Wanted) -> str:
        """Return the field in whose order the rows of this come; mostly ``ordered_by``."""

    def missing(self, wanted: Wanted) -> str:
        """Return why what is wanted cannot be read at all, in words for the person who asked; else ''."""


@dataclass(frozen=True, slots=True)
class Path:
    """One way to find items: a hash key, perhaps in an index, perhaps spread over shards.

    Attributes
    ----------
    hash_key
        With fields in braces: ``TASK#{user_id}`` is used when the owner is given, ``FEED#TASK#{shard}`` always.
    range_key
        What the range key begins with, in the same way: ``STATUS#{status}#``.
    index
        The attribute of the PynamoDB model that is the index; the table itself if empty.
    sort
        The name of the range key.
    shards
        Over how many hash keys the items are spread; ``{shard}`` is their number.
    timed
        Whether what follows ``range_key`` starts with the time that lists are ordered by.
    escape
        Applied to values put into keys.
    order
        The field in whose order the items come, if it is not the reader's ``ordered_by``.
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
        """Return the names of the fields it needs."""
        texts = (self.hash_key, self.range_key)
        names = {name for text in texts for _, name, _, _ in Formatter().parse(text) if name}
        return names - {"shard"}

    def rows(self, item: type[Model], wanted: Wanted, reads: Reads) -> Iterator[Row]:
        """Return what the path leads to, in the order of the range key."""
        given = {name: self.escape(str(wanted.value(name))) for name in self.fields()}
        prefix = self.range_key.format(**given)
        size = wanted.size if self.shards == 1 else max(4, -(-wanted.size // self.shards) + 2)
        hash_keys = [self.hash_key.format(shard=shard, **given) for shard in range(self.shards)]
        streams = [self._stream(item, key, prefix, wanted, min(size, MANY), reads) for key in hash_keys]
        return heapq.merge(*streams, key=lambda row: row[0], reverse=wanted.descending)

    def _stream(
        self, item: type[Model], hash_key: str, prefix: str, wanted: Wanted, size: int, reads: Reads
    ) -> Iterator[Row]:
        low, high = prefix, prefix + LAST
        if self.timed:
            low, high = prefix + wanted.since, f"{prefix}{wanted.until}{LAST}"
        if wanted.after:
            low, high = (
                (low, min(high, wanted.after)) if wanted.descending else (max(low, wanted.after), high)
            )
        if low > high:
            return
        source: Any = getattr(item, self.index) if self.index else item
        attributes = type(source) if self.index else item
        condition = getattr(attributes, self.sort).between(low or "\0", high)
        options = {"scan_index_forward": not wanted.descending, "page_size": size}
        found = source.query(hash_key, condition, consistent_read=not self.index, **options)
        for row in _counted(item, found.page_iter, reads):
            if row[self.sort] != wanted.after:
                yield row[self.sort], row


def _counted(item: type[Model], pages: Iterable[Any], reads: Reads) -> Iterator[Values]:
    for page in pages:
        reads.requests += 1
        reads.items += page["ScannedCount"]
        for raw in page["Items"]:
            yield values_of(item.from_raw_data(raw))


def values_of(item: Model) -> Values:
    """Return an item as a dict of attribute name to Python value."""
    return dict(item.attribute_values)


@dataclass(frozen=True, slots=True)
class DynamoReader:
    """Reads one kind of item through the first of its paths whose fields are given.

    Attributes
    ----------
    item
        The PynamoDB model.
    paths
        From the narrowest to the widest.
    locate
        From the primary key to the item's hash and range key; None if it cannot be one.
    key_of
        From the item to the primary key.
    ordered_by
        The field (a time) in whose order the paths are, but those that say otherwise.
    keep
        Which items count; TTL, for instance, removes late.
    needs
        What to ask for when no path fits.
    """

    item: type[Model]
    paths: tuple[Path, ...]
    locate: Callable[[str], tuple[str, str] | None]
    key_of: Callable[[Values], str]
    ordered_by: str = "created_at"
    keep: Callable[[Values], bool] = lambda values: True
    needs: Any = NEEDS

    def get(self, key: str, reads: Reads) -> Values | None:
        """Return the item called ``key``, read consistently, or None. One GetItem."""
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

    def rows(self, wanted: Wanted, reads: Reads) -> Iterator[Row]:
        """Return what the narrowest usable path leads to."""
        path = self._path(wanted)
        rows = path.rows(self.item, wanted, reads) if path else iter(())
        return (row for row in rows if self.keep(row[1]))

    def order_of(self, wanted: Wanted) -> str:
        """Return the field in whose order the usable path is."""
        path = self._path(wanted)
        return (path and path.order) or self.ordered_by

    def missing(self, wanted: Wanted) -> str:
        """Return what to ask for if no path can be used."""
        return "" if self._path(wanted) else str(self.needs)

    def _path(self, wanted: Wanted) -> Path | None:
        usable = (path for path in self.paths if all(wanted.value(name) for name in path.fields()))
        return next(usable, None)
