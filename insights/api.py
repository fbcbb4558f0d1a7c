"""``/api/v1/insights``: questions and their answers, for managers' scripts.

The site mounts ``router`` in its API, which adds authentication, errors and documentation.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field
from pydantic_core import to_json

from identity import roles
from insights import filters
from insights.errors import ManagersOnly
from store.errors import FieldError, ValidationFailed
from web.api import describe, pages, replies
from web.api.schemas import PAGE_QUERY, Problem

router = Router(tags=["insights"])
_TEXT = {"type": "string", "maxLength": filters.LONGEST, "pattern": r"^[^\x00]*$"}
_QUERY_PARAMETERS: list[dict[str, Any]] = [
    {"name": "days", "in": "query", "description": "Length of the period", "schema": {"enum": [30, 90, 180]}},
    {
        "name": "compare",
        "in": "query",
        "description": "`no` omits the comparison with the period before",
        "schema": {"enum": ["yes", "no"]},
    },
    {"name": "category", "in": "query", "schema": _TEXT},
    {"name": "priority", "in": "query", "schema": {"enum": list(filters.PRIORITIES)}},
    {"name": "status", "in": "query", "schema": {"enum": list(filters.STATUSES)}},
    {
        "name": "user",
        "in": "query",
        "description": "A person's id",
        "schema": _TEXT,
    },
]
_PARAMETERS = [{"required": False, **parameter} for parameter in _QUERY_PARAMETERS]
_SCHEMAS: dict[str, dict[str, Any]] = {
    parameter["name"]: parameter["schema"] for parameter in _QUERY_PARAMETERS
}
_SCHEMAS["days"] = {"enum": [str(days) for days in _SCHEMAS["days"]["enum"]]}


class ColumnOut(Schema):
    """A column of the rows of an answer: its name, title and unit."""

    name: str
    title: str
    kind: str


class QuestionOut(Schema):
    """One question: its definition, and the meaning of a row of its answer."""

    slug: str = Field(examples=["throughput"])
    title: str = Field(examples=["Created and completed"])
    definition: str = Field(examples=["Tasks created, and completions, on each day."])
    grain: str = Field(examples=["one row a day"])
    columns: list[ColumnOut]


class AnswerOut(QuestionOut):
    """A question and its answer."""

    summary: str
    finding: str = Field(description="The largest change against the period before")
    first_day: str = Field(examples=["2026-10-24"])
    last_day: str = Field(examples=["2026-11-22"])
    as_of: str = Field(
        description="Time of the last change that the answer includes",
        examples=["2026-11-22T17:20:03.5+00:00"],
    )
    snapshot: str
    bytes_scanned: int
    cached: bool
    rows: list[dict[str, Any]] = Field(examples=[[{"day": "2026-11-22", "created": 12, "completed": 9}]])


@router.get(
    "",
    response={200: list[QuestionOut], 304: None, 403: Problem, 422: Problem},
    summary="List the questions of the dashboard",
    openapi_extra=describe.query(PAGE_QUERY) | {describe.HEADERS: ("Link",)},
)
def list_insights(request: HttpRequest) -> HttpResponse:
    """List the questions of the dashboard. For managers."""
    _check_manager(request)
    from insights import serializers  # here, because the other operations of the API need no questions

    questions = enumerate(serializers.questions())
    return pages.respond(request, "insights", questions, lambda each: -each[0], lambda each: each[1])


@router.get(
    "/{slug}",
    response={200: AnswerOut, 304: None, **dict.fromkeys((403, 404, 422, 503), Problem)},
    summary="Get the answer to one question",
    openapi_extra={"parameters": _PARAMETERS},
)
def get_insight(request: HttpRequest, slug: str) -> HttpResponse:
    """Get the rows of one chart, with the same parameters and the same numbers as the page. For managers.

    Unlike the page, which ignores invalid parameters, this answers 422.
    """
    _check_manager(request)
    _check_parameters(request)
    from insights import serializers

    answer = serializers.answer(slug, request.GET)
    # What it cost to find out does not change what is said.
    tag = replies.weak_tag(to_json(answer | {"cached": True, "bytes_scanned": 0}))
    return replies.revalidated(request, tag, to_json(answer))


def _check_manager(request: HttpRequest) -> None:
    if not roles.refreshed(request).is_manager:
        raise ManagersOnly


def _check_parameters(request: HttpRequest) -> None:
    """Raise ValidationFailed unless the query string is valid; it has at most 20 errors."""
    found: list[FieldError] = []
    for name, values in request.GET.lists():
        schema = _SCHEMAS.get(name)
        if schema is None:
            found.append({"field": name[:100], "message": "There is no such parameter.", "code": "unknown"})
        elif len(values) > 1:
            found.append({"field": name, "message": "Give this parameter once.", "code": "repeated"})
        elif (
            values[0] not in schema.get("enum", values)
            or len(values[0]) > filters.LONGEST
            or "\0" in values[0]
        ):
            found.append({"field": name, "message": "This value is not allowed.", "code": "value"})
    if found:
        raise ValidationFailed(found[:20])
