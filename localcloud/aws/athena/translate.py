"""Trino SQL to DuckDB SQL: sqlglot's translation, corrected where it silently changes the meaning.

Column types come from the Glue catalog, so that rules may depend on them (`date + interval` stays a date, decimal
division keeps Trino's scale). A query that DuckDB accepts but Trino refuses fails here with Trino's error, so that a
query that works locally also works on AWS.
"""

from dataclasses import dataclass, field

import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, SqlglotError, TokenError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.tokens import TokenType

from localcloud.aws.athena import catalog, checks, rewrites
from localcloud.aws.athena.errors import QueryError
from localcloud.aws.athena.pruning import predicates

CATALOG = "awsdatacatalog"


@dataclass(slots=True)
class Translation:
    """A query for DuckDB, the names of its result columns, and its tables by the name they have in it."""

    sql: str
    names: list[str]
    tables: dict[str, catalog.Table] = field(default_factory=dict)


def translate(sql: str, database: str, parameters: list[str] | None = None) -> Translation:
    """Translate a SELECT, WITH or VALUES statement; raise QueryError with Trino's reason."""
    tree = _parsed(bound(sql, parameters or []))
    tables = _replace_tables(tree, database)
    names = _name_outputs(tree)
    schema = {name: table.schema() for name, table in tables.items()}
    checks.refuse_alias_references(tree, schema)
    tree = _typed(rewrites.before_typing(tree), schema)
    checks.refuse_mixed_comparisons(tree)
    try:
        duckdb_sql = rewrites.after_typing(tree).sql("duckdb", unsupported_level=sqlglot.ErrorLevel.RAISE)
    except SqlglotError as error:
        raise QueryError("NOT_SUPPORTED", f"{error}; the local Athena cannot run it") from error
    return Translation(duckdb_sql, names, tables)


def bound(sql: str, parameters: list[str]) -> str:
    """Replace `?` marks by execution parameters (SQL literals)."""
    marks = [token for token in _tokens(sql) if token.token_type == TokenType.PLACEHOLDER]
    if len(marks) != len(parameters):
        raise QueryError(
            "INVALID_PARAMETER_USAGE",
            f"line 1:1: Incorrect number of parameters: expected {len(marks)} but found {len(parameters)}",
        )
    for mark, value in reversed(list(zip(marks, parameters, strict=True))):
        sql = f"{sql[: mark.start]}({value}){sql[mark.end + 1 :]}"
    return sql


def _tokens(sql: str) -> list[sqlglot.Token]:
    try:
        tokens: list[sqlglot.Token] = sqlglot.tokenize(sql, read="trino")
    except TokenError as error:
        raise QueryError("SYNTAX_ERROR", f"line 1:1: {error}") from error
    return tokens


def _parsed(sql: str) -> exp.Query:
    checks.refuse_unknown_functions(_tokens(sql))
    try:
        statements = sqlglot.parse(sql, read="trino")
    except (ParseError, TokenError) as error:
        raise QueryError("SYNTAX_ERROR", _place(error)) from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        kind = type(statements[0]).__name__.upper() if statements else "empty"
        raise QueryError("NOT_SUPPORTED", f"Queries of this type are not supported: {kind}")
    return statements[0]


def _place(error: SqlglotError) -> str:
    details = getattr(error, "errors", None) or [{}]
    line, column = details[0].get("line", 1), details[0].get("col", 1)
    found = details[0].get("highlight") or "<EOF>"
    return f"line {line}:{column}: mismatched input '{found}'. {details[0].get('description', error)}"


def _replace_tables(tree: exp.Expr, database: str) -> dict[str, catalog.Table]:
    """Replace every table of the catalog by a relation with a unique name; return the tables by that name.

    A view is replaced by its query first.
    """
    tables: dict[str, catalog.Table] = {}
    found = list(tree.find_all(exp.Table))
    while found:
        node = found.pop(0)
        if not node.name or (not node.db and _is_cte(node)):
            continue
        if node.catalog and node.catalog.lower() != CATALOG:
            raise QueryError("CATALOG_NOT_FOUND", f"line 1:1: Catalog '{node.catalog}' does not exist")
        table = catalog.table(node.db or database, node.name)
        alias = node.alias or node.name
        query = catalog.view_query(table)
        if query is not None:
            _forget_schema_in_columns(node)
            name = node.args.get("alias") or exp.TableAlias(this=exp.to_identifier(alias))
            view = exp.Subquery(this=_parsed(query), alias=name)
            node.replace(view)
            found += view.find_all(exp.Table)
            continue
        table.keep = predicates(node, alias, table.partition_keys)
        name = f"relation_{len(tables)}"
        tables[name] = table
        _forget_schema_in_columns(node)
        node.set("db", None)
        node.set("catalog", None)
        node.set("this", exp.to_identifier(name))
        if not node.alias:
            node.set("alias", exp.TableAlias(this=exp.to_identifier(alias)))
    return tables


def _is_cte(node: exp.Table) -> bool:
    scope: exp.Expr | None = node
    while scope is not None:
        with_ = scope.args.get("with_")
        if with_ is not None and any(cte.alias.lower() == node.name.lower() for cte in with_.expressions):
            return True
        scope = scope.parent
    return False


def _forget_schema_in_columns(table: exp.Table) -> None:
    """`db.table.column` becomes `table.column`: the relation has no schema."""
    select = table.find_ancestor(exp.Select)
    for column in select.find_all(exp.Column) if select is not None and table.db else ():
        if column.table.lower() == table.name.lower() and column.args.get("db") is not None:
            column.set("db", None)
            column.set("catalog", None)


def _name_outputs(tree: exp.Query) -> list[str]:
    """Name unnamed result columns `_colN` as Athena does; return the names, or [] when a star hides some."""
    first: exp.Expr = tree
    while isinstance(first, exp.SetOperation | exp.Subquery):
        first = first.this
    if not isinstance(first, exp.Select):
        return []
    for index, item in enumerate(first.expressions):
        if not isinstance(item, exp.Alias | exp.Column | exp.Star | exp.Dot):
            item.replace(exp.alias_(item.copy(), f"_col{index}"))
    names = [item.alias_or_name for item in first.expressions]
    return [] if "*" in names or any(item.is_star for item in first.expressions) else names


def _typed(tree: exp.Expr, schema: dict[str, dict[str, str]]) -> exp.Expr:
    try:
        tree = qualify(
            tree,
            schema=schema,
            dialect="trino",
            validate_qualify_columns=False,
            quote_identifiers=False,
            identify=False,
        )
    except SqlglotError as error:
        raise QueryError("COLUMN_NOT_FOUND", f"line 1:1: {error}") from error
    return annotate_types(tree, schema=schema, dialect="trino")
