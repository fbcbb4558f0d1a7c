"""What an engine says of a file that it has written."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Written:
    """A file of one user bucket: its month (`YYYY-MM`; empty if the table is not dated), rows, first and last day."""

    bucket: str
    month: str
    rows: int
    first: str
    last: str

    @property
    def folder(self) -> str:
        """Its folder below that of the user bucket, with a slash at the end; empty if there is no month."""
        return f"month={self.month}/" if self.month else ""
