"""Errors of a query; their text becomes the execution's StateChangeReason."""


class ScanLimitError(Exception):
    """The query would read more bytes than its workgroup allows."""


class QueryError(Exception):
    """Athena would refuse the query; the text starts with Trino's error name."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
