"""List filters that need to know no other values than the one typed."""

from collections.abc import Iterator
from typing import Any

from django.contrib.admin import FieldListFilter


class ExactFilter(FieldListFilter):
    """A text box: the field equals what is typed. For ``list_filter = [("user_id", ExactFilter)]``."""

    template = "dynamo_admin/exact_filter.html"

    def __init__(
        self, field: Any, request: Any, params: Any, model: Any, model_admin: Any, field_path: str
    ) -> None:
        self.parameter = f"{field_path}__exact"
        super().__init__(field, request, params, model, model_admin, field_path)
        given: Any = self.used_parameters.get(self.parameter)
        self.value = str((given or [""])[-1])

    def expected_parameters(self) -> list[str | None]:
        """Return the parameters that are this filter's."""
        return [self.parameter]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Return the rows whose field is the text, or all of them if nothing was typed."""
        text = self.value.strip()
        return queryset.filter(**{self.parameter: text}) if text else queryset

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Return what the template needs: the text, the form's other parameters, and the way back."""
        others = {**changelist.params, **changelist.get_filters_params()}
        yield {
            "name": self.parameter,
            "value": self.value,
            "others": _pairs(others, self.parameter),
            "clear": changelist.get_query_string(remove=[self.parameter]),
        }


def _pairs(parameters: dict[str, Any], without: str) -> list[tuple[str, str]]:
    pairs = []
    for name, value in parameters.items():
        values = value if isinstance(value, list) else [value]
        pairs += [(name, text) for text in values if name != without]
    return pairs
