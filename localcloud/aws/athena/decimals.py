"""The scale of decimal expressions in Trino, where `100.0 * 3 / 7` is 42.9."""

from collections.abc import Callable

from sqlglot import exp

KEEPING = (exp.Paren, exp.Neg, exp.Abs, exp.Sum, exp.Min, exp.Max, exp.Coalesce, exp.Nullif, exp.Avg)
FLOATS = exp.DataType.FLOAT_TYPES
COMBINING: dict[type[exp.Expr], Callable[[int, int], int]] = {
    exp.Div: max,
    exp.Add: max,
    exp.Sub: max,
    exp.Mod: max,
    exp.Mul: lambda left, right: left + right,
}


def scale_of(node: exp.Expr) -> int | None:
    """Return the scale of a decimal expression; None for other or unknown types."""
    scale = _scale(node)
    return scale if scale is not None and any(map(_is_decimal, node.walk())) else None


def _is_decimal(node: exp.Expr) -> bool:
    return node.type is not None and node.type.this in exp.DataType.REAL_TYPES - FLOATS


def _scale(node: exp.Expr) -> int | None:
    """Return the scale, 0 for whole numbers, None for floats and unknown types."""
    combine = COMBINING.get(type(node))
    if combine is not None:
        left, right = _scale(node.this), _scale(node.expression)
        return None if left is None or right is None else combine(left, right)
    if isinstance(node, KEEPING):
        return _scale(node.this)
    kind = node.type
    if kind is None or kind.this in FLOATS:
        return None
    if kind.this in exp.DataType.INTEGER_TYPES:
        return 0
    if not _is_decimal(node):
        return None
    return int(kind.expressions[1].name) if len(kind.expressions) > 1 else None
