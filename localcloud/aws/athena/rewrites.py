"""Rewrites a parsed Trino query for DuckDB, with one rule per node type.

`before_typing` sees the query as written; `after_typing` sees it with qualified columns and inferred types.
"""

import re
from collections.abc import Callable

from sqlglot import exp

from localcloud.aws.athena.decimals import scale_of
from localcloud.aws.athena.errors import QueryError

Type = exp.DataType.Type
WHOLE = exp.DataType.INTEGER_TYPES
DATE_UNITS = {"DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "VAR"}
JODA = {
    "yyyy": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%-m", "dd": "%d", "d": "%-d", "HH": "%H",
    "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S", "SSSSSS": "%f", "SSS": "%g",
    "EEEE": "%A", "EEE": "%a", "E": "%a", "a": "%p", "D": "%j", "DDD": "%j", "ww": "%V", "xxxx": "%G", "e": "%u",
    "Z": "+0000", "ZZ": "+00:00", "z": "UTC",
}  # fmt: skip
JODA_PART = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+")


def before_typing(tree: exp.Expr) -> exp.Expr:
    """Rewrite functions that sqlglot does not know or translates wrongly."""
    return _rewritten(tree, UNTYPED)


def after_typing(tree: exp.Expr) -> exp.Expr:
    """Rewrite expressions whose translation depends on types."""
    return _rewritten(tree, TYPED)


def _rewritten(tree: exp.Expr, rules: dict[type[exp.Expr], Callable[..., exp.Expr | None]]) -> exp.Expr:
    for node in reversed(list(tree.walk(bfs=False))):  # children before parents
        rule = rules.get(type(node))
        new = rule(node) if rule is not None else None
        if new is not None and new is not node:
            new.type = new.type or node.type
            if node is tree:
                tree = new
            else:
                node.replace(new)
    return tree


def _call(name: str, *arguments: exp.Expr) -> exp.Anonymous:
    return exp.Anonymous(this=name, expressions=[argument.copy() for argument in arguments])


def _text(value: str) -> exp.Literal:
    return exp.Literal.string(value)


def _is(node: exp.Expr | None, *types: exp.DataType.Type) -> bool:
    return node is not None and node.type is not None and node.type.this in types


# As written


def _anonymous(node: exp.Anonymous) -> exp.Expr | None:
    rule = NAMED.get(node.name.lower())
    return rule(*node.expressions) if rule is not None else None


def _joda(pattern: exp.Expr) -> str:
    if not isinstance(pattern, exp.Literal):
        raise QueryError("NOT_SUPPORTED", "format_datetime and parse_datetime need a literal pattern locally")
    return "".join(_joda_part(match) for match in JODA_PART.finditer(pattern.this))


def _joda_part(match: re.Match[str]) -> str:
    if match[1] is not None:
        return match[1].replace("''", "'") or "'"
    if match[2] is None:
        return match[0].replace("%", "%%")
    if match[0] not in JODA:
        raise QueryError("NOT_SUPPORTED", f"the local Athena does not know the pattern letters {match[0]}")
    return JODA[match[0]]


def _matches(arrays: str) -> Callable[[exp.Expr, exp.Expr], exp.Expr]:
    def rule(array: exp.Expr, condition: exp.Expr) -> exp.Expr:
        found = _call("len", exp.ArrayFilter(this=array.copy(), expression=condition.copy()))
        wanted: exp.Expr = _call("len", array) if arrays == "all" else exp.Literal.number(0)
        return (
            exp.GT(this=found, expression=wanted)
            if arrays == "any"
            else exp.EQ(this=found, expression=wanted)
        )

    return rule


NAMED: dict[str, Callable[..., exp.Expr]] = {
    "format_datetime": lambda moment, pattern: _call("strftime", moment, _text(_joda(pattern))),
    "parse_datetime": lambda text, pattern: exp.cast(
        _call("strptime", text, _text(_joda(pattern))), "timestamptz"
    ),
    "at_timezone": lambda moment, zone: exp.AtTimeZone(this=moment.copy(), zone=zone.copy()),
    "any_match": _matches("any"),
    "all_match": _matches("all"),
    "none_match": _matches("none"),
}


def _decimal_literal(node: exp.Literal) -> exp.Expr | None:
    """1.50 is a decimal(3,2) in Trino; sqlglot would type it as a double."""
    if (
        node.is_string
        or "." not in node.this
        or "e" in node.this.lower()
        or isinstance(node.parent, exp.Cast)
    ):
        return None
    digits = node.this.replace(".", "").lstrip("0") or "0"
    scale = len(node.this.partition(".")[2])
    return exp.cast(node.copy(), f"decimal({max(len(digits), scale)},{scale})")


def _generate_series(node: exp.GenerateSeries) -> None:
    if node.args.get("step") is None and _looks_like_date(node.args["start"]):
        node.set("step", exp.Interval(this=_text("1"), unit=exp.var("DAY")))


def _looks_like_date(node: exp.Expr) -> bool:
    return isinstance(node, exp.CurrentDate | exp.Date | exp.TsOrDsToDate) or (
        isinstance(node, exp.Cast) and node.to.this == Type.DATE
    )


UNTYPED: dict[type[exp.Expr], Callable[..., exp.Expr | None]] = {
    exp.Anonymous: _anonymous,
    exp.Literal: _decimal_literal,
    exp.GenerateSeries: _generate_series,
}


# With types


def _div(node: exp.Div) -> exp.Expr:
    """DuckDB runs with integer_division; decimals keep Trino's scale."""
    plain = exp.Div(this=node.this.copy(), expression=node.expression.copy(), typed=False, safe=False)
    scale = scale_of(node)
    if scale is None:
        return plain
    return exp.cast(_call("round", plain, exp.Literal.number(scale)), f"decimal(38,{scale})")


def _date_diff(node: exp.DateDiff) -> exp.Expr:
    """Trino counts whole elapsed units; DuckDB's date_diff counts crossed boundaries."""
    unit = node.args.get("unit")
    later, earlier = (_utc(side) for side in (node.this, node.expression))
    return _call("date_sub", _text(unit.name.lower() if unit is not None else "day"), earlier, later)


def _utc(node: exp.Expr) -> exp.Expr:
    return exp.cast(node.copy(), "timestamp") if _is(node, Type.TIMESTAMPTZ) else node


def _stays_date(node: exp.Expr) -> exp.Expr | None:
    """Cast to a date again: DuckDB's date + interval and date_trunc give timestamps."""
    operand = node.this
    unit = node.args.get("unit") or getattr(node.expression, "unit", None)
    if not _is(operand, Type.DATE) or (unit is not None and unit.name.upper() not in DATE_UNITS):
        return None
    return exp.cast(node.copy(), "date")


def _arithmetic(node: exp.Binary) -> exp.Expr | None:
    return _stays_date(node) if isinstance(node.expression, exp.Interval) else None


def _series(node: exp.Expr) -> exp.Expr | None:
    return (
        exp.cast(node.copy(), "date[]", dialect="duckdb") if _is(node.args.get("start"), Type.DATE) else None
    )


def _json_path(node: exp.Expr) -> exp.Expr:
    path = node.expression
    return _text(path.sql("trino").strip("'")) if isinstance(path, exp.JSONPath) else path


def _cast(node: exp.Cast) -> exp.Expr | None:
    rule = CASTS.get(_cast_kind(node))
    return rule(node) if rule is not None else None


def _cast_kind(node: exp.Cast) -> str:
    source, target = node.this, node.to.this
    if target in WHOLE:
        whole = {**dict.fromkeys(exp.DataType.TEXT_TYPES, "text to whole"), Type.DOUBLE: "double to whole"}
        return whole.get(source.type.this, "") if source.type is not None else ""
    if target in exp.DataType.TEXT_TYPES:
        kinds = {
            Type.TIMESTAMP: "moment to text",
            Type.TIMESTAMPTZ: "zoned to text",
            Type.JSON: "json to text",
        }
        return kinds.get(source.type.this, "") if source.type is not None else ""
    return "to json" if target == Type.JSON and not _is(source, Type.JSON) else ""


def _whole_from_text(node: exp.Cast) -> None:
    lenient = isinstance(node, exp.TryCast) or node.find_ancestor(exp.Try) is not None
    node.set("this", _call("whole_number" if lenient else "checked_whole_number", node.this))


CASTS: dict[str, Callable[[exp.Cast], exp.Expr | None]] = {
    "text to whole": _whole_from_text,
    "double to whole": lambda node: node.set("this", _call("round", node.this)),
    "moment to text": lambda node: _call("strftime", node.this, _text("%Y-%m-%d %H:%M:%S.%g")),
    "zoned to text": lambda node: _call("strftime", node.this, _text("%Y-%m-%d %H:%M:%S.%g UTC")),
    "json to text": lambda node: _call("json_extract_string", node.this, _text("$")),
    "to json": lambda node: _call("to_json", node.this),
}


def _zone(node: exp.AtTimeZone) -> None:
    """A timestamp without zone is UTC in Athena; DuckDB would read it in the target zone."""
    inner = node.this
    while isinstance(inner, exp.AtTimeZone):
        inner = inner.this
    if not (isinstance(inner, exp.Cast) and inner.to.this == Type.TIMESTAMPTZ):
        inner = exp.cast(inner.copy(), "timestamptz")
    node.set("this", inner.copy())


def _average(node: exp.Avg) -> exp.Expr | None:
    scale = scale_of(node.this) if _is(node.this, Type.DECIMAL) else None
    return None if scale is None else exp.cast(node.copy(), f"decimal(38,{scale})")


def _regexp_replace(node: exp.RegexpReplace) -> None:
    replacement = node.args.get("replacement")
    if isinstance(replacement, exp.Literal):
        node.set("replacement", _text(re.sub(r"\$(\d)", r"\\\1", replacement.this)))


def _slice(node: exp.ArraySlice) -> exp.Expr:
    start, length = node.args["start"], node.args["end"]
    end = exp.Sub(this=exp.Add(this=start.copy(), expression=length.copy()), expression=exp.Literal.number(1))
    return _call("list_slice", node.this, start, end)


def _size(node: exp.ArraySize) -> exp.Expr:
    return _call("cardinality" if _is(node.this, Type.MAP) else "len", node.this)


TYPED: dict[type[exp.Expr], Callable[..., exp.Expr | None]] = {
    exp.Div: _div,
    exp.DateDiff: _date_diff,
    exp.DateAdd: _stays_date,
    exp.DateSub: _stays_date,
    exp.TimestampTrunc: _stays_date,
    exp.DateTrunc: _stays_date,
    exp.Add: _arithmetic,
    exp.Sub: _arithmetic,
    exp.GenerateSeries: _series,
    exp.GenerateDateArray: _series,
    # An element of the data, the same in every run.
    exp.ApproxQuantile: lambda node: _call("quantile_disc", node.this, node.args["quantile"]),
    exp.ApproxDistinct: lambda node: exp.Count(this=exp.Distinct(expressions=[node.this.copy()])),
    exp.JSONExtractScalar: lambda node: _call("json_scalar", node.this, _json_path(node)),
    exp.JSONExtract: lambda node: _call("json_at", node.this, _json_path(node)),
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.AtTimeZone: _zone,
    exp.Avg: _average,
    exp.RegexpExtract: lambda node: exp.Nullif(this=node.copy(), expression=_text("")),
    exp.RegexpReplace: _regexp_replace,
    exp.ArraySlice: _slice,
    exp.ArraySize: _size,
}
