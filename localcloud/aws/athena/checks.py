"""Refuses queries that DuckDB would accept and Trino does not."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import Scope, traverse_scope
from sqlglot.tokens import TokenType

from localcloud.aws.athena.errors import QueryError

FUNCTIONS = frozenset(Path(__file__).with_name("functions.txt").read_text().split())
NAMES = (TokenType.VAR, TokenType.IDENTIFIER)
COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
KINDS = {
    "text": exp.DataType.TEXT_TYPES,
    "number": exp.DataType.NUMERIC_TYPES,
    "moment": {
        exp.DataType.Type.DATE,
        exp.DataType.Type.TIMESTAMP,
        exp.DataType.Type.TIMESTAMPTZ,
        exp.DataType.Type.DATETIME,
    },
    "boolean": {exp.DataType.Type.BOOLEAN},
}


def refuse_unknown_functions(tokens: list[sqlglot.Token]) -> None:
    """Raise FUNCTION_NOT_FOUND for a name before a parenthesis that is not a function of Trino."""
    common = {a.text.lower() for a, b in pairwise(tokens) if b.token_type == TokenType.ALIAS}
    for before, token, after in zip([None, *tokens], tokens, tokens[1:], strict=False):
        called = token.token_type == TokenType.VAR and after.token_type == TokenType.L_PAREN
        aliases = before is not None and (
            before.token_type in (TokenType.ALIAS, TokenType.R_PAREN, TokenType.WITH, *NAMES)
        )
        name = token.text.lower()
        if called and not aliases and name not in FUNCTIONS and name not in common:
            place = f"line {token.line}:{token.col}"
            raise QueryError("FUNCTION_NOT_FOUND", f"{place}: Function '{name}' not registered")


def refuse_alias_references(tree: exp.Expr, schema: dict[str, dict[str, str]]) -> None:
    """Raise COLUMN_NOT_FOUND for a SELECT alias in WHERE, GROUP BY or HAVING."""
    for scope in traverse_scope(tree):
        select = scope.expression
        if isinstance(select, exp.Select):
            _check_select(scope, select, schema)


def _check_select(scope: Scope, select: exp.Select, schema: dict[str, dict[str, str]]) -> None:
    aliases = {item.alias.lower() for item in select.expressions if isinstance(item, exp.Alias)}
    sources = [_columns(source, schema) for source in scope.sources.values()]
    if not aliases or any(columns is None for columns in sources):
        return
    available = set().union(*(columns or () for columns in sources))
    for clause in ("where", "group", "having"):
        for column in _own_columns(select.args.get(clause)):
            name = column.name.lower()
            if not column.table and name in aliases - available:
                raise QueryError("COLUMN_NOT_FOUND", f"line 1:1: Column '{name}' cannot be resolved")


def _own_columns(clause: exp.Expr | None) -> Iterator[exp.Column]:
    if clause is not None:
        for node in clause.walk(prune=lambda node: isinstance(node, exp.Query)):
            if isinstance(node, exp.Column):
                yield node


def _columns(source: exp.Table | Scope, schema: dict[str, dict[str, str]]) -> set[str] | None:
    if isinstance(source, exp.Table):
        return set(schema.get(source.name, ())) or None
    names = [name.lower() for name in getattr(source.expression, "named_selects", [])]
    return None if not names or "*" in names else set(names)


def refuse_mixed_comparisons(tree: exp.Expr) -> None:
    """Raise TYPE_MISMATCH for a comparison of different kinds of values, which DuckDB would cast."""
    for node in tree.find_all(*COMPARISONS, exp.Between, exp.In):
        for other in _others(node):
            left, right = _kind(node.this), _kind(other)
            if left and right and left != right:
                sign = {exp.EQ: "=", exp.NEQ: "<>", exp.In: "IN", exp.Between: "BETWEEN"}.get(type(node), "<")
                types = f"{node.this.type.sql('trino').lower()} {sign} {other.type.sql('trino').lower()}"
                raise QueryError("TYPE_MISMATCH", f"line 1:1: Cannot apply operator: {types}")


def _others(node: exp.Expr) -> list[exp.Expr]:
    if isinstance(node, exp.Between):
        return [node.args["low"], node.args["high"]]
    return node.expressions if isinstance(node, exp.In) else [node.expression]


def _kind(node: exp.Expr) -> str | None:
    kind = node.type.this if node.type is not None else None
    return next((name for name, types in KINDS.items() if kind in types), None)
