"""A list filter that takes its value from a text box instead of offering choices."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import FieldListFilter


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


def _pairs(parameters: dict[str, Any], without: str) -> list[tuple[str, str]]:
    pairs = []
    for name, value in parameters.items():
        values = value if isinstance(value, list) else [value]
        pairs += [(name, text) for text in values if name != without]
    return pairs
