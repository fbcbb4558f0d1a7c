"""Readers: they find a model's rows in a table through its keys and indexes, never by a Scan."""

import heapq
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from string import Formatter
from typing import Any, Protocol

from django.utils.translation import gettext, gettext_lazy
from pynamodb.constants import BINARY, BOOLEAN, LIST, MAP, NULL, NUMBER, STRING, STRING_SET
from pynamodb.exceptions import PynamoDBException
from pynamodb.models import Model

Values = dict[str, Any]
RawItem = dict[str, dict[str, Any]]  # DynamoDB's JSON
Row = tuple[str, Values]  # the item's position in the list, from which the next page continues; the item
# Sorts after every character that occurs in keys.
LAST = "\U0010ffff"
BATCH = 100
NEEDS = gettext_lazy("Filter the list first: all of it cannot be read cheaply.")
# Begins the primary key of an item whose own cannot be made; what follows is its place in the table.
BY_PLACE = "place:"
_KINDS = {
    STRING: gettext_lazy("text"),
    NUMBER: gettext_lazy("a number"),
    BOOLEAN: gettext_lazy("true or false"),
    BINARY: gettext_lazy("bytes"),
    LIST: gettext_lazy("a list"),
    MAP: gettext_lazy("a map"),
    STRING_SET: gettext_lazy("a set of texts"),
}


class Damaged(Values):
    """What can be read of an item that is not as its model declares it.

    Attributes
    ----------
    place
        The item's hash and range key.
    reasons
        Attribute -> why it cannot be read, for the user; "" stands for the whole item.
    """

    def __init__(self, values: Values, place: tuple[str, str], reasons: dict[str, str]) -> None:
        super().__init__(values)
        self.place, self.reasons = place, reasons


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


@dataclass(frozen=True, slots=True)
class Question:
    """What a list asks a copy: (field, lookup, value) that all hold, and (field, descending) to sort by."""

    conditions: tuple[tuple[str, str, Any], ...]
    ordering: tuple[tuple[str, bool], ...] = ()


class SortedCopy(Protocol):
    """A copy of a model's rows that sorts and counts what the table cannot. It lags behind the table.

    Both methods return None for what the copy cannot answer, also when it does not respond.
    """

    def keys(self, question: Question, start: int, size: int) -> tuple[list[str], datetime] | None:
        """Return the primary keys of ``size`` rows from row ``start`` on, and the time that the copy is of."""

    def count(self, question: Question) -> tuple[int, datetime] | None:
        """Return the number of rows, and the time that the copy is of."""


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
        for raw in _counted(found.page_iter, reads):
            position = raw[self.sort][STRING]
            if position != criteria.after:
                yield position, read_item(item, raw)


def _counted(pages: Iterable[Any], reads: Reads) -> Iterator[RawItem]:
    for page in pages:
        reads.requests += 1
        reads.items += page["ScannedCount"]
        yield from page["Items"]


def read_item(item: type[Model], raw: RawItem) -> Values:
    """Return the values of an item from DynamoDB's JSON; what is left of them, as Damaged, if it is not an ``item``."""
    try:
        return values_of(item.from_raw_data(raw))
    except Exception as error:  # noqa: BLE001  whatever is stored, the others are shown
        return _damaged(item, raw, error)


def _damaged(item: type[Model], raw: RawItem, error: Exception) -> Damaged:
    values, reasons = {}, {}
    for name, attribute in item.get_attributes().items():
        stored = raw.get(attribute.attr_name)
        if stored is None or NULL in stored:
            continue
        try:
            values[name] = attribute.deserialize(attribute.get_value(stored))
        except Exception:  # noqa: BLE001
            reasons[name] = _unlike(attribute.attr_type, next(iter(stored)))
    place = place_of(item, {name: value.get(STRING, "") for name, value in raw.items()})
    if (
        not reasons
    ):  # each part is right: it is an item of another kind, whose values are none of this model's
        return Damaged({}, place, {"": str(error)})
    return Damaged(values, place, reasons)


def _unlike(wanted: str, found: str) -> str:
    """Return why a value cannot be read, without the value, which may be private."""
    if wanted == found:
        return gettext("a part of it is of another type than it should be")
    words = {"found": _KINDS.get(found, found), "wanted": _KINDS.get(wanted, wanted)}
    return gettext("%(found)s is stored, and it should be %(wanted)s") % words


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
        place = _named_place(key) if key.startswith(BY_PLACE) else self.locate(key)
        if place is None:
            return None
        reads.requests += 1
        try:
            values = values_of(self.item.get(*place, consistent_read=True))
        except self.item.DoesNotExist:
            return None
        except PynamoDBException:
            raise
        except Exception:  # noqa: BLE001  it is not an ``item``: again, as DynamoDB stores it
            attribute = getattr(self.item, self.item._range_keyname or "")
            found = self.item.query(place[0], attribute == place[1], consistent_read=True)
            raw = next(_counted(found.page_iter, reads), None)
            if raw is None:
                return None
            values = read_item(self.item, raw)
        reads.items += 1
        return self._kept(values)

    def rows(self, criteria: Criteria, reads: Reads) -> Iterator[Row]:
        """Yield the items of the narrowest usable path."""
        path = self._path(criteria)
        rows = path.rows(self.item, criteria, reads) if path else iter(())
        for position, values in rows:
            kept = self._kept(values)
            if kept is not None:
                yield position, kept

    def _kept(self, values: Values) -> Values | None:
        """Return the item if it counts; as Damaged if it lacks what tells that, its key or its time."""
        reasons: dict[str, str] = {}
        try:
            if not self.keep(values):
                return None
        except Exception as error:  # noqa: BLE001
            reasons[""] = _lacks(error)
        try:
            self.key_of(values)
        except Exception as error:  # noqa: BLE001
            reasons[""] = _lacks(error)
        if values.get(self.ordered_by) is None:
            reasons[self.ordered_by] = gettext("it is missing")
        if isinstance(values, Damaged):
            values.reasons = reasons | values.reasons if "" not in values.reasons else values.reasons
            return values
        if not reasons:
            return values
        return Damaged(values, place_of(self.item, values), reasons)

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


def place_of(item: type[Model], values: Values) -> tuple[str, str]:
    """Return the hash and range key of an item."""
    return str(values.get(item._hash_keyname or "", "")), str(values.get(item._range_keyname or "", ""))


def place_key(place: tuple[str, str]) -> str:
    """Return a primary key that names an item by its place, its hash and range key."""
    return BY_PLACE + json.dumps(place, ensure_ascii=False)


def _named_place(key: str) -> tuple[str, str] | None:
    try:
        hash_key, range_key = json.loads(key.removeprefix(BY_PLACE))
    except ValueError:
        return None
    named = isinstance(hash_key, str) and isinstance(range_key, str) and hash_key and range_key
    return (hash_key, range_key) if named else None


def _lacks(error: Exception) -> str:
    missing = error.args[0] if isinstance(error, KeyError) and error.args else ""
    return (
        gettext("%(name)s is missing") % {"name": missing} if missing else gettext("it cannot be understood")
    )
