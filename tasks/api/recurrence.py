"""``GET /api/v1/recurrence``: what a recurrence rule means, before it is given to a task."""

from dataclasses import replace
from datetime import time
from typing import Annotated, Any, Required

from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.translation import gettext as _
from ninja import Router, Schema
from pydantic import BeforeValidator, Field, TypeAdapter
from pydantic import with_config as configured
from pydantic_core import to_json
from typing_extensions import TypedDict

from identity import profiles, today
from identity.sign_in import context
from store import time_zones, validation
from store.errors import FieldError, ValidationFailed
from store.request_context import RequestContext
from tasks import fields, recurrence, write_plans
from tasks.language import rule_words
from web.api import describe, requests
from web.api.schemas import T200, Problem, out

router = Router(tags=["tasks"])
COUNT, MOST = 5, 50


class RecurrenceOut(Schema):
    """A rule in the form in which it is stored, in words, and its first occurrences."""

    model_config = out(
        {
            "rule": "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,FR;UNTIL=20261231",
            "words": "Every 2 weeks on Monday and Friday, until 31 December 2026",
            "occurrences": ["2026-11-30", "2026-12-04", "2026-12-14"],
        }
    )
    rule: T200
    words: Annotated[str, Field(max_length=2000)]
    occurrences: Annotated[
        list[Annotated[str, Field(max_length=16)]],
        Field(
            max_length=MOST, description="Days, or with a time of day local date-times as YYYY-MM-DDTHH:MM"
        ),
    ]


def _whole(value: Any) -> Any:
    return (
        int(value)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10
        else value
    )


@configured(validation.STRICT)
class RecurrenceQuery(TypedDict, total=False):
    """A rule, and when its series starts."""

    rule: Required[
        Annotated[
            str,
            Field(
                max_length=1000,
                description="An RFC 5545 recurrence rule",
                examples=["FREQ=WEEKLY;BYDAY=FR,MO;INTERVAL=2;UNTIL=20261231"],
                json_schema_extra={"format": "rrule"},
            ),
        ]
    ]
    due_date: Annotated[
        fields.DueDate, Field(description="The start. Default: your today", examples=["2026-11-30"])
    ]
    due_time: Annotated[fields.DueTime, Field(description="The time of day of the start")]
    timezone: Annotated[
        validation.Timezone,
        Field(description="Where that time is. Default: the time zone of your profile, or UTC"),
    ]
    count: Annotated[
        int,
        Field(
            ge=1,
            le=MOST,
            strict=True,
            description=f"How many occurrences, of those in the {recurrence.SHOWN_YEARS} years from the first one on. "
            f"Default: {COUNT}",
            examples=[3],
        ),
        BeforeValidator(_whole),
    ]


RECURRENCE_QUERY: TypeAdapter[Any] = TypeAdapter(RecurrenceQuery)


@router.get(
    "",
    response={200: RecurrenceOut, 422: Problem},
    summary="Explain a recurrence rule",
    openapi_extra=describe.query(RECURRENCE_QUERY),
)
def get_recurrence(request: HttpRequest) -> HttpResponse:
    """Return what a rule means: its normal form, its words in your language, and its first occurrences.

    The start is the first of them if the rule has it. A rule that is not valid, or that never comes, is answered with
    422. A time that a change of the clocks skips is read with the offset before the change.
    """
    given = requests.query(request, RECURRENCE_QUERY)
    _check(given)
    here = today.local_now(*_located(context(request), given))
    start = write_plans.series_start(given, here)
    try:
        rule = recurrence.fitted(given["rule"], start)
    except recurrence.InvalidRule as error:
        raise fields.refused_rule(error, "rule") from None
    days = recurrence.first_days(rule, start, given.get("count", COUNT))
    # The API speaks English to programs; these words are for the person who reads them.
    language = translation.get_language_from_request(request)
    with translation.override(language):
        words = rule_words.in_words(rule, zone=start.zone)
    shown = {
        "rule": rule,
        "words": words,
        "occurrences": [_moment(day.isoformat(), start.at) for day in days],
    }
    varies = {"Content-Language": language, "Vary": "Accept-Language, Cookie"}
    return HttpResponse(to_json(shown), content_type="application/json", headers=varies)


def _check(given: dict[str, Any]) -> None:
    """Refuse a time without a day. A zone may come without a time: then it says which day is today."""
    if given.get("due_time") and not given.get("due_date"):
        message = _("A time of day needs a due date.")
        raise ValidationFailed([FieldError(field="due_time", message=message, code="needs_due_date")])


def _located(ctx: RequestContext, given: dict[str, Any]) -> tuple[RequestContext, Any]:
    """Return the context in the zone that the query names, else with the profile whose zone counts."""
    if "timezone" in given:
        return replace(ctx, zone=time_zones.named(given["timezone"])), None
    return ctx, None if ctx.zone else profiles.get_profile(ctx.user_id)


def _moment(day: str, at: time | None) -> str:
    return f"{day}T{at:%H:%M}" if at else day
