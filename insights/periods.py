"""The span of days a page covers, and the span before it that it is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

CHOICES = (30, 90, 180)
DEFAULT = 30


@dataclass(frozen=True, slots=True)
class Period:
    """``days`` whole days ending with ``end`` (included).

    ``compared`` says whether to compare it with the period before: whether that is wanted, and the data reach back to
    its first day.
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
        """The first day of the equally long period before this one."""
        return self.start - timedelta(days=self.days)

    @property
    def previous_end(self) -> date:
        """The last day of the period before this one."""
        return self.start - timedelta(days=1)

    def dates(self) -> list[date]:
        """Every day of the period, first to last."""
        return [self.start + timedelta(days=n) for n in range(self.days)]

    def previous_dates(self) -> list[date]:
        """Every day of the period before, first to last."""
        return [self.previous_start + timedelta(days=n) for n in range(self.days)]

    def parameters(self) -> dict[str, date]:
        """The values that questions may name as their SQL parameters."""
        return {
            "previous_start": self.previous_start,
            "previous_end": self.previous_end,
            "start": self.start,
            "end": self.end,
        }


def days_from(value: str | None) -> int:
    """Read the ``days`` of a query string; anything that is not one of the choices is the default."""
    return int(value) if value in {str(days) for days in CHOICES} else DEFAULT
