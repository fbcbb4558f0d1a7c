"""Columns of lists."""

from datetime import UTC
from typing import Any

from django.contrib import admin


def moment(name: str, label: Any) -> Any:
    """Return a column, or a read-only field, with the time in the field ``name`` to the second, in UTC, as in logs."""

    @admin.display(description=label, ordering=name)
    def show(obj: Any) -> str:
        value = getattr(obj, name)
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if value else "-"

    show.__name__ = name
    return show
