"""Types, errors and query parameters that operations share, as documented in OpenAPI."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic import with_config as configured
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from store import cursors, validation
from store.paging import LIMIT, MAX_LIMIT
from store.request_context import timestamp

ID = "0199d3a4-6f2e-7c41-9b1d-3f5a8e6c2d10"
UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"

T32 = Annotated[str, Field(max_length=32)]
T36 = Annotated[str, Field(max_length=36)]
T50 = Annotated[str, Field(max_length=50)]
T64 = Annotated[str, Field(max_length=64)]
T100 = Annotated[str, Field(max_length=100)]
T128 = Annotated[str, Field(max_length=128)]
T200 = Annotated[str, Field(max_length=200)]
T254 = Annotated[str, Field(max_length=254)]
T500 = Annotated[str, Field(max_length=500)]
T1000 = Annotated[str, Field(max_length=1000)]
Id = Annotated[str, Field(max_length=36, pattern=UUID, json_schema_extra={"format": "uuid"})]
Day = Annotated[str, Field(max_length=10, json_schema_extra={"format": "date"})]
Time = Annotated[str, Field(max_length=5, pattern=TIME)]
Moment = Annotated[str, Field(max_length=27, json_schema_extra={"format": "date-time"})]
Version = Annotated[int, Field(ge=1, le=2**53, json_schema_extra={"format": "int64"})]


def out(example: dict[str, Any]) -> ConfigDict:
    """Return the configuration of a response's schema with an example.

    A response may grow: no schema of one forbids further properties, and clients ignore those they do not know.
    """
    return {"json_schema_extra": {"examples": [example]}}


class HealthOut(Schema):
    """That the service responds, with its version and environment."""

    model_config = out({"status": "healthy", "version": "0.1.0", "environment": "prod"})
    status: Literal["healthy"]
    version: T64
    environment: T32


class FieldProblem(Schema):
    """An error in one field."""

    field: T100
    message: T500
    code: T64


Status = Annotated[int, Field(ge=200, le=599, json_schema_extra={"format": "int32"})]
_Errors = Annotated[list[FieldProblem], Field(max_length=2 * validation.MAX_ERRORS)]


class ProblemCore(Schema):
    """The part of a problem that does not depend on the request."""

    type: T200
    title: T100
    status: Status
    detail: T1000
    code: Annotated[
        str,
        Field(max_length=64, pattern="^[a-z0-9-]+$", description="What happened, for programs: it is stable"),
    ]
    docs: Annotated[
        str,
        Field(max_length=500, description="Where the code is explained", json_schema_extra={"format": "uri"}),
    ]
    errors: _Errors = []


class Problem(ProblemCore):
    """An error in the form of RFC 9457. `errors` lists invalid fields, if there are any."""

    instance: T500
    request_id: T128


def flag(text: Any) -> Any:
    """Convert "true" and "false" to bool; leave anything else for validation to reject."""
    return {"true": True, "false": False}.get(text, text)


def digits(text: Any) -> Any:
    """Reject a text that is not a whole number of up to nine digits."""
    if isinstance(text, str) and not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise PydanticCustomError("int_parsing", "Must be a whole number.")
    return text


def moment_text(text: str) -> str:
    """Convert an ISO 8601 time with an offset to the form in which times are stored, in UTC."""
    try:
        # A "+" that was not percent-encoded arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        if moment.tzinfo is None or "T" not in text.upper():
            raise ValueError(text)
        return timestamp(moment)
    except (ValueError, OverflowError):
        message = "Must be an instant such as 2026-11-22T17:20:00Z, with Z or an offset."
        raise PydanticCustomError("datetime", "{message}", {"message": message}) from None


@configured(validation.STRICT)
class PageQuery(TypedDict, total=False):
    """The parameters that select a page of a list."""

    limit: Annotated[
        int,
        Field(ge=1, le=MAX_LIMIT, description="The most items to return"),
        Field(json_schema_extra={"default": LIMIT, "format": "int32"}),
        BeforeValidator(digits),
    ]
    cursor: Annotated[
        str,
        Field(
            max_length=cursors.MAX_LENGTH,
            description="Where to continue: from the `Link` header of an earlier page of the same list",
            json_schema_extra={"format": "cursor"},
        ),
    ]


PAGE_QUERY: TypeAdapter[Any] = TypeAdapter(PageQuery)
