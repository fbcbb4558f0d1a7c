"""Numbers, durations and days as the pages have to write them, worked out apart from the product's own formats."""

from __future__ import annotations

from datetime import date

NONE = "\N{EN DASH}"


def count(value: float) -> str:
    return format(round(value), ",")


def things(number: int, one: str = "task", many: str = "") -> str:
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def percent(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value * 100:.1f}%" if 0 < value < 0.1 else f"{value * 100:.0f}%"


def lasting(hours: float | None, days: str = " days") -> str:
    if hours is None:
        return NONE
    minutes = round(hours * 60)
    return f"{minutes} min" if hours < 1 else f"{hours:.1f} h" if hours < 24 else f"{hours / 24:,.1f}{days}"


def on(day: date) -> str:
    return day.strftime("%d %b %Y").removeprefix("0")


def week_of(day: date) -> str:
    return day.strftime("%d %b").removeprefix("0")
