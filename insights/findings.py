"""One sentence on what changed most against the period before."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from insights import formats
from insights.periods import Period


@dataclass(frozen=True, slots=True)
class Change:
    """A figure now and in the period before; None where there was nothing to make it of."""

    name: str
    now: float | None
    before: float | None

    @property
    def size(self) -> float:
        """How far apart the two are, whichever way."""
        return abs((self.now or 0) - (self.before or 0))


def finding(
    period: Period, changes: Iterable[Change], text: Callable[[float | None], str] = formats.count
) -> str:
    """Say which of ``changes`` is the largest, and how large.

    Parameters
    ----------
    period
        Where it is not compared with the one before, there is no finding ('').
    changes
        Figures of one unit, so that they can be measured against each other; their names begin the sentence.
    text
        Writes a figure in that unit.
    """
    if not period.compared:
        return ""
    known = [change for change in changes if change.now is not None and change.before is not None]
    largest = max(known, key=lambda change: change.size, default=None)
    if largest is None:
        return _("There is nothing to compare with in the %(days)d days before.") % {"days": period.days}
    now, before = text(largest.now), text(largest.before)
    if now == before:
        return _("No change against the %(days)d days before.") % {"days": period.days}
    return _sentence(largest) % {
        "name": largest.name,
        "before": before,
        "now": now,
        "share": _share(largest),
        "days": period.days,
    }


def _sentence(largest: Change) -> str:
    if (largest.now or 0) > (largest.before or 0):
        return _(
            "%(name)s rose from %(before)s to %(now)s%(share)s, the largest change against the %(days)d days before."
        )
    return _(
        "%(name)s fell from %(before)s to %(now)s%(share)s, the largest change against the %(days)d days before."
    )


def _share(largest: Change) -> str:
    if not largest.before:
        return ""
    change = (largest.now or 0) / largest.before - 1
    return f" ({'+' if change >= 0 else '-'}{_('%(number)s%%') % {'number': formats.decimal(abs(change) * 100, 0)}})"
