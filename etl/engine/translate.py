"""Translates Spark SQL to DuckDB SQL: sqlglot, and corrections for its silent errors."""

import functools
from collections import defaultdict
from collections.abc import Callable

import sqlglot
from sqlglot import exp

# What DuckDB lacks, as macros with Spark's meaning.
MACROS = ("CREATE OR REPLACE MACRO pmod(a, b) AS ((a % b) + b) % b",)


@functools.cache
def duckdb_sql(sql: str, parameters: tuple[tuple[str, str], ...] = ()) -> str:
    """The DuckDB statement with the meaning of a Spark SQL statement.

    Parameters
    ----------
    sql
        One SELECT that follows `tests.etl.sql_rules`.
    parameters
        `(name, text)` pairs for `:name` placeholders; each becomes a string literal.

    Raises
    ------
    ValueError
        For a placeholder without a value, or what sqlglot cannot translate.
    """
    tree = sqlglot.parse_one(sql, read="spark")
    values = dict(parameters)
    tree = tree.transform(lambda node: _fill(node, values))
    _share_json(tree)
    for node in reversed(list(tree.walk())):
        fix = _FIXES.get(type(node))
        if fix is not None:
            node.replace(fix(node))
    return str(tree.sql(dialect="duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE))


def _fill(node: exp.Expression, values: dict[str, str]) -> exp.Expression:
    if not isinstance(node, exp.Placeholder):
        return node
    if node.name not in values:
        raise ValueError(f"no value for :{node.name}")
    return exp.Literal.string(values[node.name])


def _call(name: str, *arguments: exp.Expression) -> exp.Expression:
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def _share_json(tree: exp.Expression) -> None:
    """Extract all values that a SELECT takes from a JSON text in one call: DuckDB parses the text in each call."""
    groups: dict[tuple[int, str], list[exp.Expression]] = defaultdict(list)
    for node in tree.find_all(exp.JSONExtractScalar):
        groups[id(node.find_ancestor(exp.Select)), node.this.sql()].append(node)
    for nodes in groups.values():
        paths = [exp.Literal.string(node.expression.sql("spark").strip("'")) for node in nodes]
        # Malformed JSON is null in Spark and an error in DuckDB.
        texts = _call("TRY", _call("json_extract_string", nodes[0].this, exp.Array(expressions=paths)))
        for number, node in enumerate(nodes, start=1):
            node.replace(_call("list_extract", texts, exp.Literal.number(number)))


def _local_time(node: exp.Expression) -> exp.Expression:
    # from_utc_timestamp arrives as CAST(x AS timestamp) AT TIME ZONE z, which in DuckDB converts the other way.
    # (That cast is the parser's own; one written in the file is read as a try_cast.)
    instant = node.this.this if type(node.this) is exp.Cast else node.this
    return _call("timezone", node.args["zone"], instant)


def _percentile(node: exp.Expression) -> exp.Expression:
    if not isinstance(node.this, exp.PercentileDisc):
        return node.copy()
    return _call("quantile_disc", node.expression.expressions[0].this, node.this.this)


def _date(node: exp.Expression) -> exp.Expression:
    # Spark's date_add and date_sub return a date, DuckDB's date + interval a timestamp.
    return exp.cast(node.copy(), "date")


def _count_if(node: exp.Expression) -> exp.Expression:
    # DuckDB's count_if of nothing but nulls is null, Spark's is 0.
    return exp.Count(this=exp.case().when(node.this.copy(), exp.Literal.number(1)))


_FIXES: dict[type[exp.Expression], Callable[[exp.Expression], exp.Expression]] = {
    exp.AtTimeZone: _local_time,
    exp.WithinGroup: _percentile,
    exp.TsOrDsAdd: _date,
    exp.CountIf: _count_if,
}
