"""Field types that every domain uses, and the errors that pydantic's become."""

import re
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from typing import Annotated, Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

from store import text, time_zones
from store.errors import FieldError, ValidationFailed

MAX_ERRORS = 20
MESSAGE_MAX = 500
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")


def invalid(code: str, message: str) -> PydanticCustomError:
    return PydanticCustomError(code, "{message}", {"message": message})


@dataclass(frozen=True, slots=True)
class _Text:
    """Annotates a ``str``: it is stored as ``store.text`` says, and is at most ``longest`` characters then."""

    longest: int

    def _schema(self, clean: Callable[[str], str], least: int) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            lambda value: _cleaned(clean, value) if isinstance(value, str) else value,
            core_schema.str_schema(min_length=least, max_length=self.longest),
        )


class Line(_Text):
    """One line; ``Line(200)`` is at most 200 characters, and at least one that can be seen."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return self._schema(text.line, 1)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {"pattern": text.LINE_PATTERN}


class Prose(_Text):
    """Text of several lines, which may be blank."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return self._schema(text.prose, 0)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return handler(schema) | {"pattern": text.PROSE_PATTERN}


def _cleaned(clean: Callable[[str], str], value: str) -> str:
    try:
        return clean(value)
    except text.TextRefused as error:
        raise invalid(error.code, str(error)) from None


def _timezone(name: str) -> str:
    try:
        return time_zones.checked(name)
    except time_zones.UnknownZone as error:
        raise invalid("timezone", str(error)) from None


def _email(address: str) -> str:
    if not _EMAIL.fullmatch(address) or address != text.shown(address) or text.is_blank(address):
        raise invalid("email", _("Must be an e-mail address, such as ada@example.com."))
    return text.canonical(address)


def whole(value: Any) -> Any:
    """Return 3.0 as 3: to JSON both are the same whole number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _blank_to_none(value: Any) -> Any:
    return None if isinstance(value, str) and text.is_blank(value) else value


Blank = BeforeValidator(_blank_to_none)
Name = Annotated[str, Line(200)]
Timezone = Annotated[
    str,
    Field(max_length=64, examples=["Europe/Berlin"], json_schema_extra={"format": "iana-timezone"}),
    AfterValidator(_timezone),
]

Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, max_length=254),
    AfterValidator(_email),
    Field(json_schema_extra={"format": "email"}),
]

# A validator is built when it is first used: a new process has an answer to give first.
STRICT = ConfigDict(extra="forbid", defer_build=True)

# What to do about an error of pydantic's; the names in braces are from its context.
_MESSAGES = {
    "missing": gettext_lazy("This field is required."),
    "extra_forbidden": gettext_lazy("There is no such field, or it cannot be set."),
    "string_type": gettext_lazy("Must be text."),
    "string_unicode": gettext_lazy("Must be valid Unicode text."),
    "string_too_short": gettext_lazy("Must not be empty."),
    "string_too_long": gettext_lazy("Must be at most {max_length} characters; these are {length}."),
    "string_pattern_mismatch": gettext_lazy("Must match {pattern}."),
    "too_long": gettext_lazy("Must have at most {max_length} entries; these are {length}."),
    "too_short": gettext_lazy("Must have at least {min_length} entries."),
    "literal_error": gettext_lazy("Must be one of {expected}."),
    "list_type": gettext_lazy("Must be an array."),
    "dict_type": gettext_lazy("Must be an object."),
    "bool_type": gettext_lazy("Must be true or false."),
    "bool_parsing": gettext_lazy("Must be true or false."),
    "int_type": gettext_lazy("Must be a whole number."),
    "int_parsing": gettext_lazy("Must be a whole number."),
    "int_parsing_size": gettext_lazy("Must be a smaller number."),
    "greater_than_equal": gettext_lazy("Must be at least {ge}."),
    "less_than_equal": gettext_lazy("Must be at most {le}."),
    "union_tag_invalid": gettext_lazy("{discriminator} must be one of {expected_tags}."),
    "union_tag_not_found": gettext_lazy("{discriminator} is required."),
}


def clean(adapter: TypeAdapter[Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``given`` validated and normalised, with no other keys than it has.

    Raises ValidationFailed listing the errors of each field.
    """
    try:
        return dict(adapter.validate_python(given))
    except ValidationError as error:
        raise ValidationFailed(field_errors(error.errors(include_url=False))) from None


def field_errors(errors: list[ErrorDetails]) -> list[FieldError]:
    """Return pydantic's error details as ours, the first ``MAX_ERRORS`` of them."""
    return [_field_error(error) for error in errors[:MAX_ERRORS]]


def _field_error(error: ErrorDetails) -> FieldError:
    path = ".".join(str(part) for part in error["loc"])[:100]
    context = {name: str(value).replace(" or ", ", ") for name, value in error.get("ctx", {}).items()}
    context["length"] = str(len(error["input"])) if isinstance(error.get("input"), Sized) else ""
    template = _MESSAGES.get(error["type"])
    # What pydantic says itself may repeat what was sent.
    message = str(template).format_map(context) if template else error["msg"]
    return {"field": path, "message": message[:MESSAGE_MAX], "code": error["type"]}
