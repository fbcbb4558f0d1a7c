"""What goes wrong in either engine. Neither DuckDB nor Spark is needed to know it."""


class SchemaError(RuntimeError):
    """A result's columns are not the ones `etl.lake.tables` promises."""


class EngineError(RuntimeError):
    """The engine could not do what it was asked, be it for the files or for the SQL."""
