"""What schemathesis cannot know by itself."""

import csv
import io
import uuid
from datetime import date

import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode

schemathesis.openapi.format("entity-tags", st.sampled_from(["*", '"1"', '"2"', 'W/"1"', '"1", "7"', '"x"']))
schemathesis.openapi.format("idempotency-key", st.uuids(version=4).map(str))
schemathesis.openapi.format("date", st.dates(min_value=date(1900, 1, 1)).map(date.isoformat))
schemathesis.openapi.format("iana-timezone", st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]))
schemathesis.openapi.format(
    "rrule", st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY;BYDAY=MO,TU", "FREQ=YEARLY"])
)

_CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30)
_DAY = st.sampled_from(["", "2026-12-01"])


def _csv(header, *columns):
    """Return a strategy of files with this header and some rows."""

    def written(rows):
        file = io.StringIO()
        csv.writer(file).writerows([header, *rows])
        return file.getvalue()

    return st.lists(st.tuples(*columns), min_size=1, max_size=5).map(written)


schemathesis.openapi.format(
    "task-csv",
    _csv(["title", "due_date", "priority", "tags"], _CELL, _DAY, st.sampled_from(["", "high"]), _CELL)
    | _csv(["TYPE", "CONTENT", "PRIORITY", "DATE"], st.just("task"), _CELL, st.sampled_from("1234"), _DAY),
)

# Rules that no JSON schema can tell: a time of day needs a due date (which the task may have already), ids are unique
# in a checklist, only a rule has something to count from, and e-mail address and username cannot be other ones than at
# sign-in.
_DEPENDENT = ("due_time", "checklist", "repeat_from", "email", "username")


@schemathesis.hook
def before_call(context, case, kwargs):
    """Leave out of valid requests what may be refused because of something else."""
    if case.meta is None or case.meta.generation.mode != GenerationMode.POSITIVE:
        return
    headers = case.headers or {}
    for name in headers:
        if name.lower() == "idempotency-key":
            # A key is for one request: one that comes again with another body is refused, and rightly.
            headers[name] = str(uuid.uuid4())
    # A cursor is only good for the list it was made for: it has its own tests. Here, too, a time needs a day.
    for name in ("cursor", "due_time"):
        (case.query or {}).pop(name, None)
    if isinstance(case.body, dict):
        for name in _DEPENDENT:
            case.body.pop(name, None)
