"""Errors of both engines, without importing either."""

MAX_WHY = 500


class SchemaError(RuntimeError):
    """The columns of a result differ from `etl.lake.tables`."""


class EngineError(RuntimeError):
    """The engine failed, because of the files or because of the SQL."""


def why_unreadable(error: str) -> str:
    """What an engine said of a file, cut to what a list can show; never empty."""
    return " ".join(error.split())[:MAX_WHY] or "unreadable"
