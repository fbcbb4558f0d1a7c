"""Finds the partitions that a query can need from the conditions on partition columns in its WHERE clause."""

import operator
from collections.abc import Callable, Iterator
from typing import Any

from sqlglot import exp

Predicate = Callable[[dict[str, str]], bool]
COMPARISONS: dict[type[exp.Expr], Callable[[Any, Any], bool]] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.GT: operator.gt,
    exp.GTE: operator.ge,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
}
WHOLE = ("int", "integer", "bigint", "smallint", "tinyint")


def predicates(table: exp.Table, alias: str, keys: list[dict[str, str]]) -> list[Predicate]:
    """Return predicates of partition values that hold for every partition with a matching row."""
    select = table.find_ancestor(exp.Select)
    where = select.args.get("where") if select is not None else None
    types = {key["Name"].lower(): key.get("Type", "string").lower() for key in keys}
    if where is None or not types:
        return []
    found = (_predicate(condition, alias, types) for condition in _conjuncts(where.this))
    return [predicate for predicate in found if predicate is not None]


def _conjuncts(node: exp.Expr) -> Iterator[exp.Expr]:
    node = node.unnest()
    if isinstance(node, exp.And):
        yield from _conjuncts(node.left)
        yield from _conjuncts(node.right)
    else:
        yield node


def _predicate(node: exp.Expr, alias: str, types: dict[str, str]) -> Predicate | None:
    column = node.this
    if not isinstance(column, exp.Column) or column.table.lower() not in ("", alias.lower()):
        return None
    kind = types.get(column.name.lower())
    if kind is None:
        return None
    if isinstance(node, exp.In) and not node.args.get("query"):
        return _member(column.name, kind, node.expressions)
    compare = COMPARISONS.get(type(node))
    value = _literal(node.expression, kind) if compare is not None else None
    if compare is None or value is None:
        return None
    return lambda values: compare(_value(values, column.name, kind), value)


def _member(name: str, kind: str, options: list[exp.Expr]) -> Predicate | None:
    wanted = [_literal(option, kind) for option in options]
    if any(value is None for value in wanted):
        return None
    return lambda values: _value(values, name, kind) in wanted


def _literal(node: exp.Expr, kind: str) -> Any:
    node = node.unnest()
    if not isinstance(node, exp.Literal):
        return None
    if kind in WHOLE:
        return int(node.this) if node.is_int else None
    return node.this if kind.startswith(("string", "varchar")) and node.is_string else None


def _value(values: dict[str, str], name: str, kind: str) -> Any:
    """Return a partition's value, or a value that matches everything if it is not known yet (projection)."""
    text = next((value for key, value in values.items() if key.lower() == name.lower()), None)
    if text is None:
        return _Anything()
    return int(text) if kind in WHOLE else text


class _Anything:
    """Compares true with everything."""

    def _true(self, other: object) -> bool:
        return True

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _true
    __hash__ = None  # type: ignore[assignment]
