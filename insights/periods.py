"""The period that a page covers, and the previous period that it is compared with."""

from dataclasses import dataclass
from datetime import date, timedelta

CHOICES = (30, 90, 180)
DEFAULT = 30


@dataclass(frozen=True, slots=True)
class Period:
    """``days`` whole days up to and including ``end``.

    ``compared`` says whether to compare it with the previous period: the page asks for it, and the data reach back far
    enough.
    """

    days: int
    end: date
    compared: bool = True

    @property
    def start(self) -> date:
        """The first day of the period."""
        return self.end - timedelta(days=self.days - 1)

    @property
    def previous_start(self) -> date:
        """The first day of the previous period, which is equally long."""
        return self.start - timedelta(days=self.days)

    @property
    def previous_end(self) -> date:
        """The last day of the previous period."""
        return self.start - timedelta(days=1)

    def dates(self) -> list[date]:
        """Every day of the period, first to last."""
        return [self.start + timedelta(days=n) for n in range(self.days)]

    def previous_dates(self) -> list[date]:
        """Every day of the previous period, first to last."""
        return [self.previous_start + timedelta(days=n) for n in range(self.days)]

    def query(self) -> dict[str, str]:
        """The query parameters of a predicate for the days of the period."""
        return {"from": self.start.isoformat(), "to": self.end.isoformat()}

    def parameters(self) -> dict[str, date]:
        """Values for the SQL parameters of questions."""
        return {
            "previous_start": self.previous_start,
            "previous_end": self.previous_end,
            "start": self.start,
            "end": self.end,
        }


def days_from(value: str | None) -> int:
    """Read the ``days`` of a query string; the default for anything that is not one of ``CHOICES``."""
    return int(value) if value in {str(days) for days in CHOICES} else DEFAULT
