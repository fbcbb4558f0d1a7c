"""Rules for the SQL under `etl/sql/`, so that DuckDB and Spark come to the same results.

A function is allowed once tests have shown that both engines agree on it. They disagree on approximate percentiles,
`stddev`, decimal averages, casts from fractions to integers, `dayofweek` and `upper`.
"""

from collections.abc import Callable, Iterator

import sqlglot
from sqlglot import exp

_ALLOWED = """
and arg_max case cast coalesce concat count count_if datediff exists explode generate_series
greatest hour if json_extract_scalar lag lead least max min nullif or pad percentile_disc pmod
regexp_like row_number sha2 substring sum try_cast ts_or_ds_add ts_or_ds_to_date unix_micros
"""
FUNCTIONS = frozenset(_ALLOWED.split())
_TYPED = (exp.Sum, exp.Count, exp.CountIf, exp.PercentileDisc)
_INTEGERS = exp.DataType.INTEGER_TYPES
_FILTERS = (exp.Where, exp.Join, exp.Group, exp.Order, exp.Window, exp.Having)


def violations(sql: str) -> list[str]:
    """The parts of a Spark SQL statement that the two engines may read differently.

    Parameters
    ----------
    sql
        One statement.
    """
    tree = sqlglot.parse_one(sql, read="spark")
    return sorted({found for node in tree.walk() for check in _CHECKS for found in check(node)})


def _unknown_function(node: exp.Expression) -> Iterator[str]:
    if isinstance(node, exp.Func):
        name = (node.name if isinstance(node, exp.Anonymous) else node.sql_name()).lower()
        if name not in FUNCTIONS:
            yield f"function not allowed: {name}"


def _untyped_aggregate(node: exp.Expression) -> Iterator[str]:
    if isinstance(node, _TYPED):
        outer = node
        while isinstance(outer.parent, exp.Window | exp.WithinGroup):
            outer = outer.parent
        if not isinstance(outer.parent, exp.Cast):
            yield f"aggregate not cast to its stored type: {node.sql('spark')}"


def _fraction_to_integer(node: exp.Expression) -> Iterator[str]:
    if isinstance(node, exp.Cast) and node.to.this in _INTEGERS and node.find(exp.Div):
        yield f"fraction cast to an integer (use div): {node.sql('spark')}"


def _unguarded_integer(node: exp.Expression) -> Iterator[str]:
    # try_cast('1.5' AS bigint) is null in Spark and 2 in DuckDB. The parser reads every Spark CAST as a try_cast too.
    if isinstance(node, exp.TryCast) and node.to.this in _INTEGERS and isinstance(node.this, exp.Column):
        branch = node.parent
        guarded = isinstance(branch, exp.If) and isinstance(branch.this, exp.RegexpLike)
        if node.this.name.endswith("_text") and not guarded:
            yield f"text cast to an integer without a pattern: {node.sql('spark')}"


def _partition_column(node: exp.Expression) -> Iterator[str]:
    # The engines disagree whether "07" in a path is text or the number 7.
    if isinstance(node, exp.Column) and node.name == "user_bucket" and node.find_ancestor(*_FILTERS):
        yield "partition column used in logic: user_bucket"


def _text_order(node: exp.Expression) -> Iterator[str]:
    # It has up to 40 digits, more than a decimal(38) holds; and as text, 9 sorts after 10.
    is_sequence = isinstance(node, exp.Column) and node.name == "sequence_number"
    if is_sequence and node.find_ancestor(exp.Ordered, exp.ArgMax) and not isinstance(node.parent, exp.Pad):
        yield "sequence_number ordered as text: use lpad(sequence_number, 40, '0')"


def _nested_generator(node: exp.Expression) -> Iterator[str]:
    # DuckDB accepts it, Spark does not.
    if isinstance(node, exp.Explode) and not isinstance(node.parent, exp.Alias | exp.Select):
        yield f"explode inside an expression: {node.parent.sql('spark') if node.parent else ''}"


_CHECKS: tuple[Callable[[exp.Expression], Iterator[str]], ...] = (
    _unknown_function,
    _untyped_aggregate,
    _fraction_to_integer,
    _unguarded_integer,
    _partition_column,
    _text_order,
    _nested_generator,
)
