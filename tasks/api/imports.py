"""``/api/v1/imports``: files of any size that are imported piece by piece."""

import hashlib
from functools import partial
from typing import Annotated, Any, Literal, NotRequired

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import BeforeValidator, Field, TypeAdapter
from pydantic import with_config as configured
from pydantic_core import to_json
from typing_extensions import TypedDict

from identity import allowance
from identity.sign_in import context
from store import validation
from store.idempotency import StoredReply
from tasks.api.transfer import ImportResult
from tasks.transfer import import_jobs
from tasks.transfer.import_jobs import COUNTED, FILE_MAX, ImportItem
from tasks.transfer.stepped import Stepped
from web.api import describe, pages, replies, requests
from web.api.error_handlers import RequestProblem
from web.api.schemas import ID, PAGE_QUERY, UUID, FieldProblem, Id, Moment, Problem, digits, out

router = Router(tags=["transfer"])
_MEDIA_TYPES = frozenset({"", "text/csv", "text/plain", "application/json", "application/octet-stream"})
_COUNT = {"ge": 0, "le": 2**53, "json_schema_extra": {"format": "int64"}}
_Count = Annotated[int, Field(**_COUNT)]
_IMPORT_ID = describe.path_parameter(
    "import_id", "The import's id", ID, {"type": "string", "format": "uuid", "pattern": UUID, "maxLength": 36}
)
_EXAMPLE: dict[str, Any] = {
    "id": ID,
    "dry_run": False,
    "format": "json",
    "status": "running",
    "bytes": 6243104,
    "offset": 131000,
    "wanted": 131072,
    "rows": 220,
    "created": 220,
    "existing": 0,
    "invalid": 0,
    "remarks": 1,
    "result_pages": 1,
    "errors": [],
    "created_at": "2026-11-22T17:20:00.123456Z",
}


class ImportJobOut(Schema):
    """An import in steps: how far it is, and what piece of the file to send next.

    `offset` is the byte at which it goes on, and `wanted` how many bytes the next piece should have. Once it is
    `failed`, `errors` say why the file cannot be read from `offset` on; what was imported before stays.
    """

    model_config = out(_EXAMPLE)
    id: Id
    dry_run: bool
    format: Literal["json", "csv", "todoist"] | None
    status: Literal["running", "done", "failed"]
    bytes: _Count
    offset: _Count
    wanted: _Count
    rows: _Count
    created: _Count
    existing: _Count
    invalid: _Count
    remarks: _Count
    result_pages: _Count
    errors: Annotated[list[FieldProblem], Field(max_length=100)]
    created_at: Moment


@configured(validation.STRICT)
class NewImport(TypedDict):
    """The file to import."""

    bytes: Annotated[
        int,
        Field(ge=1, le=FILE_MAX, strict=True, description="Its size in bytes"),
        BeforeValidator(validation.whole),
    ]
    dry_run: NotRequired[
        Annotated[bool, Field(strict=True, description="Only report what the import would do")]
    ]


@configured(validation.STRICT)
class PieceQuery(TypedDict):
    """Where the piece begins."""

    offset: Annotated[
        int,
        Field(ge=0, le=FILE_MAX, description="The first byte of the piece in the file"),
        BeforeValidator(digits),
    ]


@configured(validation.STRICT)
class ResultsQuery(TypedDict, total=False):
    """Which page."""

    page: Annotated[
        int, Field(ge=1, le=10**6, description="From 1 to `result_pages`"), BeforeValidator(digits)
    ]


NEW_IMPORT: TypeAdapter[Any] = TypeAdapter(NewImport)
PIECE_QUERY: TypeAdapter[Any] = TypeAdapter(PieceQuery)
RESULTS_QUERY: TypeAdapter[Any] = TypeAdapter(ResultsQuery)
_BYTES = {
    "schema": {"type": "string", "format": "binary", "minLength": 1, "maxLength": import_jobs.PIECE_MAX}
}
_PIECE = {"requestBody": {"required": True, "content": {"application/octet-stream": _BYTES}}}


@router.post(
    "",
    response={202: ImportJobOut, **dict.fromkeys((400, 409, 413, 415, 422), Problem)},
    summary="Start an import in steps",
    openapi_extra=describe.body(NEW_IMPORT, {"file": ("A file of 6 MB", {"bytes": 6243104})}),
)
def create_import(request: HttpRequest) -> HttpResponse:
    """Start to import a file of any size: our JSON or CSV, as `POST /api/v1/exports` makes them, or Todoist's template.

    Then send the file in pieces, with `POST /api/v1/imports/{import_id}/continue`, until `status` is `done`. Rows
    become tasks as with `POST /api/v1/import`. At most 20 imports are kept, each for a day.
    """
    given = requests.json_object(request)
    once = requests.once(request, given, lambda item: _reply(202, item, request))
    wanted = {"dry_run": False} | validation.clean(NEW_IMPORT, given)
    begun = import_jobs.start(context(request), wanted["bytes"], dry_run=wanted["dry_run"], once=once)
    return _answer(202, begun, request)


@router.get(
    "",
    response={200: list[ImportJobOut], 304: None, 422: Problem},
    summary="List my imports in steps",
    openapi_extra=describe.query(PAGE_QUERY) | {describe.HEADERS: ("Link",)},
)
def list_imports(request: HttpRequest) -> HttpResponse:
    """List your imports in steps of the last day, the newest first. At most 20."""
    ctx = context(request)
    found = import_jobs.list_imports(ctx)
    return pages.respond(request, f"imports\0{ctx.user_id}", found, lambda item: item.id, _shown)


@router.get(
    "/{import_id}",
    response={200: ImportJobOut, 404: Problem},
    summary="Get an import in steps",
    openapi_extra=_IMPORT_ID,
)
def get_import(request: HttpRequest, import_id: str) -> HttpResponse:
    """Get how far an import is, and where its file goes on."""
    return replies.answer(_reply(200, import_jobs.get_import(context(request), import_id)))


@router.get(
    "/{import_id}/results",
    response={200: list[ImportResult], 304: None, **dict.fromkeys((404, 422), Problem)},
    summary="List the rows that are not as the file has them",
    openapi_extra=describe.query(RESULTS_QUERY, _IMPORT_ID) | {describe.HEADERS: ("Link",)},
)
def list_results(request: HttpRequest, import_id: str) -> HttpResponse:
    """List the rows that are invalid or have notes, in the file's order: 25 a page, `result_pages` pages."""
    page = requests.query(request, RESULTS_QUERY).get("page", 1)
    item = import_jobs.get_import(context(request), import_id)
    content = to_json([{"task_id": None, **row} for row in import_jobs.rows_of(item, page)])
    answer = replies.revalidated(request, replies.weak_tag(content), content)
    if page < item.pages:
        answer["Link"] = pages.next_link(request, page=page + 1)
    return answer


@router.post(
    "/{import_id}/continue",
    response={200: ImportJobOut, **dict.fromkeys((400, 404, 409, 413, 415, 422), Problem)},
    summary="Continue an import",
    openapi_extra=describe.query(PIECE_QUERY, _IMPORT_ID) | _PIECE,
)
def continue_import(request: HttpRequest, import_id: str) -> HttpResponse:
    """Import the next rows of a file. The body is a piece of it that begins at byte `offset`, of `wanted` bytes.

    The rows that the piece holds whole are imported, at most 250; the answer says where to go on. A piece that begins
    elsewhere changes nothing, so if an answer is lost, send the piece again. 409 means that another request is still
    working on this step.

    A task of Todoist's template is imported together with its sub-tasks, 1000 at most.
    """
    offset = requests.query(request, PIECE_QUERY)["offset"]
    requests.check_coding(request)
    media_type = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if media_type not in _MEDIA_TYPES:
        raise RequestProblem(
            415, "media-type", "Send the piece itself, with `Content-Type: application/octet-stream`."
        )
    if not request.body:
        raise RequestProblem(400, "body-missing", "The body is missing. Send a piece of the file.")
    asked = {"offset": offset, "piece": hashlib.sha256(request.body).hexdigest()}
    once = requests.once(request, asked, lambda item: _reply(200, item))
    counted = partial(allowance.owe_rows, request)
    return _answer(
        200, import_jobs.step(context(request), import_id, offset, request.body, once, counted=counted)
    )


def _answer(status: int, done: Stepped[ImportItem], request: HttpRequest | None = None) -> HttpResponse:
    reply = done.reply or _reply(status, done.known, request)
    return replies.answer(reply, replayed=done.replayed)


def _reply(status: int, item: ImportItem, request: HttpRequest | None = None) -> StoredReply:
    location = {"Location": f"{request.path}/{item.id}"} if request else {}
    return StoredReply(status, to_json(_shown(item)).decode(), location)


def _shown(item: ImportItem) -> dict[str, Any]:
    values = item.attribute_values
    names = ("id", "dry_run", "status", "bytes", "offset", *COUNTED, "created_at")
    return {name: values[name] for name in names} | {
        "format": item.format,
        "wanted": item.wanted,
        "result_pages": item.pages,
        "errors": item.errors or [],
    }
