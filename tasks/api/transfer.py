"""``GET /api/v1/export`` and ``POST /api/v1/import``: all tasks as a file, and tasks from a file."""

import hashlib
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from ninja import Router, Schema
from pydantic import BeforeValidator, Field, TypeAdapter, with_config
from pydantic_core import to_json
from typing_extensions import TypedDict

from identity import allowance
from identity.sign_in import context
from store import validation
from store.idempotency import StoredReply
from tasks.api.schemas import TaskOut
from tasks.transfer import exporting, importing
from tasks.transfer.rows import MAX_ROWS
from web import problems
from web.api import describe, replies, requests
from web.api.error_handlers import RequestProblem
from web.api.schemas import ID, FieldProblem, Problem, flag, out

if TYPE_CHECKING:
    from tasks.transfer.importing import ImportReport

router = Router(tags=["transfer"])
_MEDIA_TYPES = frozenset({"", "text/csv", "text/plain", "application/json"})
_Count = Annotated[int, Field(ge=0, le=MAX_ROWS, json_schema_extra={"format": "int32"})]
_TOO_LARGE = (
    "You have too many tasks for one answer. Send `POST /api/v1/exports` to make the file in steps; "
    "it is then downloaded from the address in `url`."
)
_CSV = "title,due_date,tags\r\nWater the plants,2026-12-01,home\r\n"
_TODOIST = "TYPE,CONTENT,PRIORITY,INDENT,DATE,DATE_LANG\r\ntask,Water the plants @home,2,1,tomorrow,en\r\n"


@with_config(validation.STRICT)
class ExportQuery(TypedDict, total=False):
    """The file to export."""

    format: Annotated[
        Literal["json", "csv"],
        Field(description="The file's format", json_schema_extra={"default": "json"}),
    ]


@with_config(validation.STRICT)
class ImportQuery(TypedDict, total=False):
    """Options of an import."""

    dry_run: Annotated[
        bool,
        BeforeValidator(flag),
        Field(
            strict=True,
            description="Only report what the import would do",
            json_schema_extra={"default": False},
        ),
    ]


EXPORT_QUERY: TypeAdapter[Any] = TypeAdapter(ExportQuery)
IMPORT_QUERY: TypeAdapter[Any] = TypeAdapter(ImportQuery)


class ImportResult(Schema):
    """The result of a task in the file. `row` is its row in the spreadsheet, or its place in the JSON array, from 1."""

    row: Annotated[int, Field(ge=1, le=2**31 - 1, json_schema_extra={"format": "int32"})]
    status: Literal["created", "existing", "invalid"]
    task_id: Annotated[str, Field(max_length=36)] | None
    errors: Annotated[list[FieldProblem], Field(max_length=100)]
    notes: Annotated[
        list[FieldProblem],
        Field(
            max_length=100, description="What of a valid row could not be used as it was, and where it went"
        ),
    ]


class ImportOut(Schema):
    """The results of an import, or of a dry run."""

    model_config = out(
        {
            "format": "csv",
            "dry_run": False,
            "rows": 1,
            "created": 1,
            "existing": 0,
            "invalid": 0,
            "remarks": 0,
            "results": [{"row": 2, "status": "created", "task_id": ID, "errors": [], "notes": []}],
        }
    )
    format: Literal["json", "csv", "todoist"]
    dry_run: bool
    rows: _Count
    created: _Count
    existing: _Count
    invalid: _Count
    remarks: Annotated[_Count, Field(description="The number of rows with notes")]
    results: Annotated[list[ImportResult], Field(max_length=MAX_ROWS)]


# JSON Schema cannot describe CSV: generators of examples have to know this format.
_CSV_FILE = {"type": "string", "format": "task-csv", "minLength": 1, "maxLength": 1024 * 1024}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {
                "schema": _CSV_FILE,
                "examples": {
                    "ours": {"summary": "Our columns, any of them but title", "value": _CSV},
                    "todoist": {"summary": "Todoist's template", "value": _TODOIST},
                },
            },
            "application/json": {
                "schema": {"type": "array", "maxItems": MAX_ROWS, "items": {"type": "object"}},
                "example": [{"title": "Water the plants", "due_date": "2026-12-01", "tags": ["home"]}],
            },
        },
    }
}


@router.get(
    "/export",
    response={200: list[TaskOut], 422: Problem},
    summary="Export all tasks",
    openapi_extra={
        **describe.query(EXPORT_QUERY),
        "responses": {200: {"content": {"text/csv": {"schema": _CSV_FILE, "example": _CSV}}}},
    },
)
def export_tasks(request: HttpRequest) -> StreamingHttpResponse:
    """Get all your tasks as a file, the newest first, without the trash.

    JSON is an array of tasks as elsewhere in the API. CSV has tags separated by commas, and checklists line by line as
    `[ ] to do` or `[x] done`; where a spreadsheet could run a cell as a formula, or take text for a number or a date,
    there is an apostrophe, which the import removes. `POST /api/v1/import` restores the tasks, with the times at which
    they were created and completed.

    One answer holds about 6 MB, or more if you accept gzip. A larger file is refused with 422 `export-too-large`: make
    it with `POST /api/v1/exports`.
    """
    file_format = requests.query(request, EXPORT_QUERY).get("format", "json")
    too_large = problems.response(request, 422, detail=_TOO_LARGE, kind="export-too-large")
    return exporting.download(
        context(request), file_format, too_large=too_large, read=partial(allowance.owe, request)
    )


@router.post(
    "/import",
    response={200: ImportOut, **dict.fromkeys((400, 409, 413, 415, 422), Problem)},
    summary="Import tasks",
    openapi_extra=_BODY | describe.query(IMPORT_QUERY),
)
def import_tasks(request: HttpRequest) -> HttpResponse:
    """Create tasks from a file: our JSON or CSV, or Todoist's CSV template. At most 1000 tasks and 1 MiB.

    A larger file goes to `POST /api/v1/imports`. CSV may have commas, semicolons or tabs, and be UTF-8 or UTF-16.

    Every row with a title or a description becomes a task; a field that cannot be used is left out, its words go to the
    description, and `notes` say so. `created_at` and `completed_at` count if they lie between the year 2000 and now; of
    rows without them, the first becomes the newest task. Other read-only fields are ignored: ids are new.

    A file may be sent again: a row that was imported within 24 hours is `existing` unless its task was deleted, and so
    is a row with the `id` of one of your tasks. With an `Idempotency-Key`, the file is imported once for each key, and
    the same request gets the same answer. A dry run reads as much as the import, and writes nothing.
    """
    dry_run = requests.query(request, IMPORT_QUERY).get("dry_run", False)
    upload = _upload(request)
    once = requests.once(request, hashlib.sha256(upload).hexdigest(), _reply)
    counted = partial(allowance.take_rows, request, looked_at=dry_run)
    if once and not dry_run:
        reply, replayed = importing.import_once(context(request), upload, once, counted)
        return replies.answer(reply, replayed=replayed)
    return replies.answer(_reply(importing.import_tasks(context(request), upload, dry_run, counted=counted)))


def _reply(report: "ImportReport") -> StoredReply:
    shown = {name: value for name, value in asdict(report).items() if name != "replayed"}
    return StoredReply(200, to_json(shown).decode())


def _upload(request: HttpRequest) -> bytes:
    requests.check_coding(request)
    media_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type not in _MEDIA_TYPES:
        raise RequestProblem(
            415, "media-type", "Send the file itself, with `Content-Type: text/csv` or `application/json`."
        )
    if not request.body.strip():
        raise RequestProblem(400, "body-missing", "The body is missing. Send a file.")
    if media_type == "application/json" and not request.body.lstrip().startswith(b"["):
        raise RequestProblem(400, "malformed-body", "The body must be a JSON array of tasks.")
    return request.body
