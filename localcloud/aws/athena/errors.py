"""What a query can fail with; the text becomes the execution's StateChangeReason."""


class QueryError(Exception):
    """A query that Athena would refuse, with Trino's error name in front of the reason."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
