"""Errors of both engines, without importing either."""


class SchemaError(RuntimeError):
    """The columns of a result differ from `etl.lake.tables`."""


class EngineError(RuntimeError):
    """The engine failed, because of the files or because of the SQL."""
