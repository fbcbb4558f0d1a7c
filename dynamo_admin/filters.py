"""List filters that take what is typed instead of offering choices: a text, or a period."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.contrib.admin import DateFieldListFilter, FieldListFilter
from django.utils.translation import gettext as _

from dynamo_admin.errors import CannotServe


class ExactFilter(FieldListFilter):
    """Selects rows whose field equals the text entered: ``list_filter = [("shelf", ExactFilter)]``."""

    template = "dynamo_admin/exact_filter.html"
    lookup = "exact"

    def __init__(
        self, field: Any, request: Any, params: Any, model: Any, model_admin: Any, field_path: str
    ) -> None:
        self.parameter = f"{field_path}__exact"
        super().__init__(field, request, params, model, model_admin, field_path)
        given: Any = self.used_parameters.get(self.parameter)
        self.value = str((given or [""])[-1])

    def expected_parameters(self) -> list[str | None]:
        """Return the query parameters of this filter."""
        return [self.parameter]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Return the rows whose field equals the text; all rows if the box is empty."""
        text = self.value.strip()
        return queryset.filter(**{f"{self.field_path}__{self.lookup}": text}) if text else queryset

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Yield the template's values: the text, the form's other parameters, the link that clears it."""
        others = {**changelist.params, **changelist.get_filters_params()}
        yield {
            "name": self.parameter,
            "value": self.value,
            "others": _pairs(others, self.parameter),
            "clear": changelist.get_query_string(remove=[self.parameter]),
        }


class TextFilter(ExactFilter):
    """Selects rows whose field is the text entered, however it is written."""

    lookup = "iexact"


class PeriodFilter(DateFieldListFilter):
    """Django's periods, and any from one day to another; days are those of UTC, and both are included."""

    template = "dynamo_admin/period_filter.html"

    def __init__(
        self, field: Any, request: Any, params: Any, model: Any, model_admin: Any, field_path: str
    ) -> None:
        self.days = (f"{field_path}__from", f"{field_path}__until")
        self.typed = {name: params.pop(name, [""])[-1].strip() for name in self.days}
        super().__init__(field, request, params, model, model_admin, field_path)

    def expected_parameters(self) -> list[str | None]:
        """Return the query parameters of this filter."""
        return [*super().expected_parameters(), *self.days]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Return the rows of the period. Raises CannotServe for what is no day."""
        found: Any = super().queryset(request, queryset)
        first, last = (_day(self.typed[name]) for name in self.days)
        if first:
            found = found.filter(**{f"{self.field_path}__gte": _midnight(first)})
        if last:
            found = found.filter(**{f"{self.field_path}__lt": _midnight(last + timedelta(days=1))})
        return found

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Yield Django's choices, and last what the form of days holds."""
        open_period = any(self.typed.values())
        for choice in super().choices(changelist):
            yield {**choice, "selected": choice["selected"] and not open_period}
        others = {**changelist.params, **changelist.get_filters_params()}
        yield {
            "days": [(name, self.typed[name]) for name in self.days],
            "others": [pair for pair in _pairs(others, "") if not pair[0].startswith(self.field_generic)],
            "clear": changelist.get_query_string(remove=[self.field_generic]) if open_period else "",
        }


def _day(text: str) -> date | None:
    try:
        found = date.fromisoformat(text) if text else None
    except ValueError:
        raise CannotServe(_("“%(text)s” is not a day; write it like 2026-12-31.") % {"text": text}) from None
    if found and not 1900 <= found.year <= 9998:
        raise CannotServe(_("“%(text)s” is not a day; write it like 2026-12-31.") % {"text": text})
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _pairs(parameters: dict[str, Any], without: str) -> list[tuple[str, str]]:
    pairs = []
    for name, value in parameters.items():
        values = value if isinstance(value, list) else [value]
        pairs += [(name, text) for text in values if name != without]
    return pairs
