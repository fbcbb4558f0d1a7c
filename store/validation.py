"""Field types that every domain uses, and the errors that pydantic's become."""

import re
from collections.abc import Mapping, Sized
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from store.errors import FieldError, ValidationFailed

MAX_ERRORS = 20
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+")


def invalid(code: str, message: str) -> PydanticCustomError:
    return PydanticCustomError(code, "{message}", {"message": message})


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise invalid("control_character", _("Must be one line without control characters."))
    return text


def text_of(text: str) -> str:
    if _CONTROL_IN_TEXT.search(text):
        raise invalid("control_character", _("Must not contain control characters."))
    return text.replace("\r\n", "\n")


def _timezone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise invalid(
            "timezone", _("Must be a time zone of the IANA database, such as Europe/Berlin.")
        ) from None


def _email(text: str) -> str:
    if not _EMAIL.fullmatch(text):
        raise invalid("email", _("Must be an e-mail address, such as ada@example.com."))
    return text


def whole(value: Any) -> Any:
    """Return 3.0 as 3: to JSON both are the same whole number."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def unique(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _blank_to_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def up_to(longest: int) -> StringConstraints:
    return StringConstraints(strip_whitespace=True, min_length=1, max_length=longest)


Blank = BeforeValidator(_blank_to_none)
Line = AfterValidator(_one_line)
_LINE_PATTERN = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
AsLine = Field(json_schema_extra={"pattern": _LINE_PATTERN})
AsText = Field(json_schema_extra={"pattern": r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"})
Name = Annotated[str, up_to(200), Line, AsLine]
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
    message = str(template).format_map(context) if template else error["msg"]
    return {"field": path, "message": message, "code": error["type"]}
