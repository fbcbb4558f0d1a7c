"""``/api/v1/insights``: the questions and their answers, for managers' scripts.

The site adds ``router`` to its API, which brings authentication, errors and documentation.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field
from pydantic_core import to_json

from identity import roles
from insights import filters
from web import problems

router = Router(tags=["insights"])
_FORBIDDEN = "Everybody's figures are for managers. Ask an administrator to add you to the managers group."
_OFFERED: list[dict[str, Any]] = [
    {"name": "days", "in": "query", "description": "Length of the period", "schema": {"enum": [30, 90, 180]}},
    {
        "name": "compare",
        "in": "query",
        "description": "`no` leaves out the period before",
        "schema": {"enum": ["yes", "no"]},
    },
    {"name": "category", "in": "query", "schema": {"type": "string", "maxLength": filters.LONGEST}},
    {"name": "priority", "in": "query", "schema": {"enum": list(filters.PRIORITIES)}},
    {"name": "status", "in": "query", "schema": {"enum": list(filters.STATUSES)}},
    {
        "name": "user",
        "in": "query",
        "description": "A person's id",
        "schema": {"type": "string", "maxLength": filters.LONGEST},
    },
]
_PARAMETERS = [{"required": False, **parameter} for parameter in _OFFERED]
_SCHEMAS: dict[str, dict[str, Any]] = {parameter["name"]: parameter["schema"] for parameter in _OFFERED}
_SCHEMAS["days"] = {"enum": [str(days) for days in _SCHEMAS["days"]["enum"]]}
_INVALID = "Some parameters are not valid. `errors` lists them; correct them and send the request again."


class ColumnOut(Schema):
    """A column of an answer's rows: its name, a reader's name for it, and its unit."""

    name: str
    title: str
    kind: str


class QuestionOut(Schema):
    """One question: what it means and what a row of its answer is."""

    slug: str = Field(examples=["throughput"])
    title: str = Field(examples=["Created and completed"])
    definition: str = Field(examples=["Tasks created, and completions, on each day."])
    grain: str = Field(examples=["one row a day"])
    columns: list[ColumnOut]


class AnswerOut(QuestionOut):
    """A question and its answer."""

    summary: str
    finding: str = Field(description="What changed most against the period before")
    first_day: str = Field(examples=["2026-10-24"])
    last_day: str = Field(examples=["2026-11-22"])
    as_of: str = Field(
        description="The last change the answer knows", examples=["2026-11-22T17:20:03.5+00:00"]
    )
    snapshot: str
    bytes_scanned: int
    cached: bool
    rows: list[dict[str, Any]] = Field(examples=[[{"day": "2026-11-22", "created": 12, "completed": 9}]])


class ProblemOut(Schema):
    """An error, as of RFC 9457."""

    type: str
    title: str
    status: int
    detail: str


@router.get(
    "", response={200: list[QuestionOut], 403: ProblemOut}, summary="List the questions of the dashboard"
)
def list_insights(request: HttpRequest) -> HttpResponse:
    """List what the dashboard answers. For managers."""
    if not roles.refreshed(request).is_manager:
        return problems.response(request, 403, detail=_FORBIDDEN)
    from insights import described  # here: the API's other operations need no questions

    return _json(described.questions())


@router.get(
    "/{slug}",
    response={200: AnswerOut, 403: ProblemOut, 404: ProblemOut, 422: ProblemOut, 503: ProblemOut},
    summary="Get the answer to one question",
    openapi_extra={"parameters": _PARAMETERS},
)
def get_insight(request: HttpRequest, slug: str) -> HttpResponse:
    """Get the rows behind one chart, with the same parameters and the same numbers as the page. For managers.

    Where the page passes over a parameter that it does not understand, this answers 422.
    """
    if not roles.refreshed(request).is_manager:
        return problems.response(request, 403, detail=_FORBIDDEN)
    if errors := _wrong(request):
        return problems.response(request, 422, detail=_INVALID, kind="validation", errors=errors)
    from insights import described

    try:
        found = described.answer(slug, request.GET)
    except LookupError as error:
        return problems.response(request, 404, detail=str(error.args[0]))
    return _json(found) if found else _unavailable(request)


def _wrong(request: HttpRequest) -> list[dict[str, str]]:
    """Return what is wrong with the query string, as the errors of a problem; at most 20 of it."""
    found = []
    for name, values in request.GET.lists():
        schema = _SCHEMAS.get(name)
        if schema is None:
            found.append({"field": name[:100], "message": "There is no such parameter.", "code": "unknown"})
        elif len(values) > 1:
            found.append({"field": name, "message": "Give it once.", "code": "repeated"})
        elif (
            values[0] not in schema.get("enum", values)
            or len(values[0]) > filters.LONGEST
            or "\0" in values[0]
        ):
            found.append({"field": name, "message": "That is none of its values.", "code": "value"})
    return found[:20]


def _unavailable(request: HttpRequest) -> HttpResponse:
    detail = "The warehouse did not answer. Try again."
    return problems.response(request, 503, detail=detail, kind="unavailable", headers={"Retry-After": "5"})


def _json(value: Any) -> HttpResponse:
    return HttpResponse(to_json(value), content_type="application/json")
