"""A QuerySet that builds queries as Django does, and reads rows through a reader instead of SQL.

``filter()``, ``exclude()``, ``order_by()``, slices and ``Q`` objects build an ordinary ``sql.Query``. To read rows, the
conditions that every match must meet select an access path; the whole WHERE tree is then evaluated in Python.
"""

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import NotSupportedError, models
from django.db.models.query import ModelIterable
from django.db.models.sql.where import AND, OR, NothingNode, WhereNode
from django.utils.translation import gettext as _

from dynamo_admin.fields import ISO
from dynamo_admin.reading import BATCH, Criteria, Question, Reads

# The most items that one response reads. A list that reaches it stops and offers to continue.
READ_BUDGET = 1000
# What a list is asked for at most: conditions (a word that is searched for is one for each field), characters of a
# value and, where rows are named by their keys, of those.
MAX_CONDITIONS, MAX_LENGTH, MAX_KEYS = 100, 500, 200
MAX_POSITION = 1024  # bytes of a sort key

Test = Callable[[Any, Any], bool]
Condition = Callable[[Any], bool | None]  # of an object; None: what it tests cannot be read


class TooMuchToRead(NotSupportedError):  # noqa: N818
    """The query would exceed the budget, and a part of its rows must not be mistaken for all of them."""

    def __init__(self) -> None:
        text = _("More than %(budget)s items would have to be read for this. Filter further.")
        super().__init__(text % {"budget": f"{READ_BUDGET:,}"})


class TooMuchAsked(NotSupportedError):  # noqa: N818
    """The query has more conditions, or longer ones, than are evaluated."""

    def __init__(self, measured: int, most: int) -> None:
        text = _("The filters and the search are too long: %(measured)s, and at most %(most)s are possible.")
        super().__init__(text % {"measured": f"{measured:,}", "most": f"{most:,}"})


class CannotRead(NotSupportedError):  # noqa: N818
    """No access path fits; the message says which filter is missing."""


def _text(function: Test) -> Test:
    return lambda value, wanted: value is not None and function(str(value), str(wanted))


def _ordered(function: Test) -> Test:
    return lambda value, wanted: value is not None and function(value, wanted)


LOOKUPS: dict[str, Test] = {
    "exact": operator.eq,
    "in": lambda value, wanted: value in wanted,
    "isnull": lambda value, wanted: (value in (None, "")) == wanted,
    "contains": _text(operator.contains),
    "startswith": _text(str.startswith),
    "gt": _ordered(operator.gt),
    "gte": _ordered(operator.ge),
    "lt": _ordered(operator.lt),
    "lte": _ordered(operator.le),
}
ORDERED = frozenset({"gt", "gte", "lt", "lte"})
# Lookups of text as the model compares it: both sides are folded.
FOLDED: dict[str, Test] = {
    "iexact": operator.eq,
    "icontains": operator.contains,
    "istartswith": str.startswith,
}


def _field(lookup: Any, model: Any) -> str:
    """Return the field that a condition tests; refuse joins and expressions rather than ignore them."""
    target: Any = getattr(lookup.lhs, "target", None)
    known = target in model._meta.concrete_fields and lookup.lookup_name in LOOKUPS | FOLDED
    if isinstance(target, models.JSONField) and lookup.lookup_name in ORDERED:  # lists have no order
        known = False
    if not known or hasattr(lookup.rhs, "as_sql"):
        raise NotSupportedError(f"This list cannot evaluate {lookup!r}.")
    return str(target.attname)


def predicate(node: Any, model: Any) -> Callable[[Any], bool]:
    """Return the WHERE tree as a function of one object. One whose field cannot be read may match, so it does."""
    holds = _condition(node, model)
    return lambda obj: holds(obj) is not False


def _condition(node: Any, model: Any) -> Condition:
    if isinstance(node, NothingNode):
        return lambda obj: False
    if not isinstance(node, WhereNode):
        name, lookup, wanted = _field(node, model), node.lookup_name, node.rhs
        if lookup in FOLDED:
            return _known(name, _folded(name, FOLDED[lookup], str(wanted), model.folded))
        return _known(name, lambda obj: bool(LOOKUPS[lookup](getattr(obj, name), wanted)))
    if node.connector not in (AND, OR):
        raise NotSupportedError(f"This list cannot evaluate {node.connector}.")
    tests = [_condition(child, model) for child in node.children]
    decisive = node.connector == OR and bool(tests)  # one such answer decides

    def combined(obj: Any) -> bool | None:
        unknown = False
        for test in tests:
            found = test(obj)
            if found is decisive:
                return decisive != node.negated
            unknown = unknown or found is None
        return None if unknown else (not decisive) != node.negated

    return combined


def _known(name: str, test: Callable[[Any], bool]) -> Condition:
    return lambda obj: None if name in obj.unreadable or "" in obj.unreadable else test(obj)


def _folded(name: str, holds: Test, wanted: str, fold: Callable[[str], str]) -> Callable[[Any], bool]:
    sought = fold(wanted)

    def test(obj: Any) -> bool:
        value = getattr(obj, name)
        return value is not None and holds(fold(str(value)), sought)

    return test


def required(node: Any, model: Any) -> Iterator[tuple[str, str, Any]]:
    """Yield (field, lookup, value) for the conditions that every match must meet: the top-level ANDs."""
    for child in node.children:
        if not isinstance(child, WhereNode):
            if not isinstance(child, NothingNode):
                yield _field(child, model), child.lookup_name, child.rhs
        elif not child.negated and (child.connector == AND or len(child.children) == 1):
            yield from required(child, model)


def check_extent(node: Any) -> None:
    """Refuse a WHERE tree that is too large to evaluate. Raises TooMuchAsked."""
    conditions = list(_conditions(node))
    at_most(MAX_CONDITIONS, len(conditions))
    for condition in conditions:
        given = getattr(condition, "rhs", "")
        values = list(given) if isinstance(given, list | tuple | set | frozenset) else [given]
        at_most(MAX_KEYS, len(values))
        at_most(MAX_LENGTH, max((len(value) for value in values if isinstance(value, str)), default=0))


def _conditions(node: Any) -> Iterator[Any]:
    if not isinstance(node, WhereNode):
        yield node
        return
    for child in node.children:
        yield from _conditions(child)


def at_most(most: int, measured: int) -> None:
    """Refuse what is longer, or more, than ``most``. Raises TooMuchAsked."""
    if measured > most:
        raise TooMuchAsked(measured, most)


@dataclass(slots=True)
class Page:
    """One page of a list.

    Attributes
    ----------
    objects
        The rows.
    next
        The position from which the next page continues; None at the end.
    reads
        The cost of reading it.
    partial
        Whether the budget was used up before the page was full.
    unsorted
        Whether the page is ordered by time because sorting as requested would exceed the budget.
    as_of
        The time of the model's ``sorted_copy``, if that sorted the rows; they are as they are now.
    """

    objects: list[Any]
    next: str | None
    reads: Reads
    partial: bool = False
    unsorted: bool = False
    as_of: datetime | None = None


class ReaderIterable(ModelIterable):  # type: ignore[type-arg]
    """The QuerySet's iterable class: every iteration over rows goes through it."""

    def __iter__(self) -> Iterator[Any]:
        query: Any = self.queryset.query
        return islice(self.queryset.matches(), query.low_mark, query.high_mark)  # type: ignore[attr-defined]


class DynamoQuerySet(models.QuerySet):  # type: ignore[type-arg]
    """Reads through ``model.reader``; never writes."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._iterable_class = ReaderIterable

    # --- Criteria ------------------------------------------------------------------------------------------

    def ordering(self) -> list[tuple[str, bool]]:
        """Return (field, descending) pairs, without the primary key, which only breaks ties."""
        names = self.query.order_by or (self.query.default_ordering and self.model._meta.ordering) or ()
        if not all(isinstance(name, str) and name != "?" for name in names):
            raise NotSupportedError("Order by names of fields only.")
        key = {"pk", self.model._meta.pk.name}
        pairs = [(str(name).lstrip("-"), str(name)[0] == "-") for name in names]
        return [(self.model._meta.get_field(n).attname, back) for n, back in pairs if n not in key]

    def criteria(self, after: str | None = None, size: int = BATCH) -> Criteria:
        """Return the part of the query that helps the reader to find rows."""
        reader, equal = self.model.reader, {}
        since = until = ""
        for name, lookup, value in required(self.query.where, self.model):
            if lookup in {"exact", "in"}:
                equal[name] = [value] if lookup == "exact" else list(value)
            elif name == reader.ordered_by and isinstance(value, datetime):
                since = ISO.dump(value) if lookup in {"gt", "gte"} else since
                until = ISO.dump(value) if lookup in {"lt", "lte"} else until
        ordering = self.ordering()
        descending = not ordering or ordering[0] != (reader.order_of(Criteria(equal)), False)
        filters_later = len(equal) + bool(since or until) < len(self.query.where.children)
        return Criteria(equal, since, until, descending, after, BATCH if filters_later else size)

    def in_order(self) -> bool:
        """Whether the reader already returns rows in the requested order."""
        ordering = self.ordering()
        return not ordering or ordering[0][0] == self.model.reader.order_of(self.criteria())

    # --- Reading -------------------------------------------------------------------------------------------

    def candidates(self, criteria: Criteria, reads: Reads) -> Iterator[tuple[str, Any]]:
        """Yield (position, object) for the rows that may match, in the reader's order.

        Raises CannotRead.
        """
        reader, make = self.model.reader, self.model.from_values
        keys = criteria.equal.get(self.model._meta.pk.attname)
        if keys is not None:
            found = [(str(key), reader.get(str(key), reads)) for key in keys]
            rows = [(key, make(values)) for key, values in found if values is not None]
            for key, obj in rows:
                if obj.unreadable:  # it may lack what its own key is made of
                    obj.key = key
            order = reader.ordered_by

            def place(row: tuple[str, Any]) -> tuple[bool, Any]:
                return _sort_key(getattr(row[1], order), self.model.folded)

            return iter(sorted(rows, key=place, reverse=criteria.descending))
        if reason := reader.missing(criteria):
            raise CannotRead(reason)
        return ((position, make(values)) for position, values in reader.rows(criteria, reads))

    def matches(self) -> Iterator[Any]:
        """Yield every matching object in order. Raises TooMuchToRead instead of yielding only a part."""
        if self.query.is_empty():
            return iter(())
        check_extent(self.query.where)
        reads = Reads()
        holds = predicate(self.query.where, self.model)
        rows = (obj for _, obj in self._within(self.candidates(self.criteria(), reads)) if holds(obj))
        return rows if self.in_order() else iter(self._sorted(list(rows)))

    def _within(self, rows: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
        for number, row in enumerate(rows):
            if number == READ_BUDGET:
                raise TooMuchToRead
            yield row

    def _sorted(self, objects: list[Any]) -> list[Any]:
        for name, reverse in reversed(self.ordering()):
            objects.sort(key=lambda obj: _sort_key(getattr(obj, name), self.model.folded), reverse=reverse)
        return objects

    def page(self, after: str | None, size: int) -> Page:
        """Return one page of a list, reading at most READ_BUDGET items.

        In an order other than the reader's, all matches are read and sorted, and ``after`` is a number of rows. If that
        exceeds the budget, the model's ``sorted_copy`` sorts; if it cannot, the page is ordered by time and marked
        ``unsorted``. Raises CannotRead.
        """
        if self.query.is_empty():
            return Page([], None, Reads())
        check_extent(self.query.where)
        if self.in_order():
            return self._page(after, size)
        reads = Reads()
        holds = predicate(self.query.where, self.model)
        start = int(after) if after and after.isdecimal() else 0
        try:
            rows = self._within(self.candidates(self.criteria(), reads))
            found = self._sorted([obj for _, obj in rows if holds(obj)])
        except TooMuchToRead:
            if (copied := self._copied(start, size, holds)) is not None:
                return copied
            plain = self.order_by(f"-{self.model.reader.ordered_by}")
            page = plain._page(None if start or not after else after, size)
            page.unsorted = True
            return page
        following = str(start + size) if len(found) > start + size else None
        return Page(found[start : start + size], following, reads)

    def question(self) -> Question | None:
        """Return what this asks of a copy; None if its conditions are more than a list that all hold."""
        conditions = tuple(required(self.query.where, self.model))
        if len(conditions) != sum(1 for _ in _conditions(self.query.where)):
            return None
        return Question(conditions, tuple(self.ordering()))

    def _copied(self, start: int, size: int, holds: Callable[[Any], bool]) -> Page | None:
        copy, question = self.model.sorted_copy, self.question()
        found = copy.keys(question, start, size + 1) if copy and question else None
        if found is None:
            return None
        keys, as_of = found
        reads = Reads()
        rows = [self.model.reader.get(key, reads) for key in keys[:size]]
        objects = [self.model.from_values(values) for values in rows if values is not None]
        following = str(start + size) if len(keys) > size else None
        return Page([obj for obj in objects if holds(obj)], following, reads, as_of=as_of)

    def _page(self, after: str | None, size: int) -> Page:
        reads = Reads()
        found: list[Any] = []
        last: str | None = None
        holds = predicate(self.query.where, self.model)
        rows = self.candidates(self.criteria(after, size + 1), reads)
        for number, (position, obj) in enumerate(rows):
            # The next page continues after the last row examined, whether or not it matched.
            if len(found) == size or number == READ_BUDGET:
                return Page(found, last, reads, partial=len(found) < size)
            last = position
            if holds(obj):
                found.append(obj)
        return Page(found, None, reads)

    def count(self) -> int:
        """Return the number of matches by reading them. Raises TooMuchToRead."""
        if self._result_cache is not None:
            return len(self._result_cache)
        return sum(1 for _ in ReaderIterable(self))

    def exists(self) -> bool:
        """Return whether any row matches."""
        return self.count() > 0 if self._result_cache is not None else any(True for _ in ReaderIterable(self))

    def with_rows(self, objects: list[Any]) -> "DynamoQuerySet":
        """Return a copy whose result is ``objects``, already read."""
        clone: DynamoQuerySet = self._chain()  # type: ignore[attr-defined]
        clone._result_cache = objects
        return clone

    # --- Unsupported operations ----------------------------------------------------------------------------

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise NotSupportedError(
            "Rows are written one by one through the model admin; there are no aggregates."
        )

    delete = update = bulk_create = bulk_update = create = _refuse
    aggregate = annotate = values = values_list = dates = datetimes = extra = union = _refuse


def _sort_key(value: Any, fold: Callable[[str], str]) -> tuple[bool, Any]:
    absent = value is None or value == ""
    return (not absent, "" if absent else fold(value) if isinstance(value, str) else value)


DynamoManager = models.Manager.from_queryset(DynamoQuerySet)
