"""``/api/v1/exports``: files of all tasks that are made in steps, whatever their size."""

from functools import partial
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field, TypeAdapter
from pydantic import with_config as configured
from pydantic_core import to_json
from typing_extensions import TypedDict

from identity import allowance
from identity.sign_in import context
from store import validation
from store.idempotency import Once, StoredReply
from tasks.transfer import export_jobs
from tasks.transfer.export_jobs import ExportItem
from tasks.transfer.exporting import FORMATS
from tasks.transfer.stepped import Stepped
from web.api import describe, pages, replies, requests
from web.api.schemas import ID, PAGE_QUERY, UUID, Id, Moment, Problem, out

router = Router(tags=["transfer"])
_COUNT = {"ge": 0, "le": 2**53, "json_schema_extra": {"format": "int64"}}
_EXPORT_ID = describe.path_parameter(
    "export_id", "The export's id", ID, {"type": "string", "format": "uuid", "pattern": UUID, "maxLength": 36}
)
_EXAMPLE: dict[str, Any] = {
    "id": ID,
    "format": "json",
    "status": "running",
    "tasks": 9000,
    "bytes": 5243104,
    "created_at": "2026-11-22T17:20:00.123456Z",
    "url": None,
}


class ExportOut(Schema):
    """An export: how far it is and, when it is `done`, an address of its file.

    The address works for five minutes and needs no credentials; get the export again for a new one. The file is kept
    for a day.
    """

    model_config = out(_EXAMPLE)
    id: Id
    format: Literal["json", "csv"]
    status: Literal["running", "done", "failed"]
    tasks: Annotated[int, Field(**_COUNT)]
    bytes: Annotated[int, Field(**_COUNT)]
    created_at: Moment
    url: Annotated[str, Field(max_length=4096, json_schema_extra={"format": "uri"})] | None


@configured(validation.STRICT)
class NewExport(TypedDict):
    """The file to make."""

    format: Annotated[Literal["json", "csv"], Field(description="The file's format")]


NEW_EXPORT: TypeAdapter[Any] = TypeAdapter(NewExport)


@router.post(
    "",
    response={202: ExportOut, **dict.fromkeys((400, 409, 413, 415, 422), Problem)},
    summary="Start an export",
    openapi_extra=describe.body(NEW_EXPORT, {"csv": ("For a spreadsheet", {"format": "csv"})}),
)
def create_export(request: HttpRequest) -> HttpResponse:
    """Start a file of all your tasks, of any number and size. The file is as of `GET /api/v1/export`.

    Nothing works on it between your requests: send `POST /api/v1/exports/{export_id}/continue` until `status` is
    `done`, then get the file from `url`. At most 20 exports are kept, each for a day.
    """
    given = requests.json_object(request)
    once = requests.once(request, given, lambda item: _reply(202, item, request))
    file_format = validation.clean(NEW_EXPORT, given)["format"]
    return _answer(202, export_jobs.start(context(request), file_format, once), request)


@router.get(
    "",
    response={200: list[ExportOut], 304: None, 422: Problem},
    summary="List my exports",
    openapi_extra=describe.query(PAGE_QUERY) | {describe.HEADERS: ("Link",)},
)
def list_exports(request: HttpRequest) -> HttpResponse:
    """List your exports of the last day, the newest first. At most 20."""
    ctx = context(request)
    found = [item for item in export_jobs.list_exports(ctx) if item.format in FORMATS]
    return pages.respond(request, f"exports\0{ctx.user_id}", found, lambda item: item.id, _shown)


@router.get(
    "/{export_id}",
    response={200: ExportOut, 404: Problem},
    summary="Get an export",
    openapi_extra=_EXPORT_ID,
)
def get_export(request: HttpRequest, export_id: str) -> HttpResponse:
    """Get how far an export is and, when it is done, a new address of its file."""
    return replies.answer(_reply(200, export_jobs.get_export(context(request), export_id, FORMATS)))


@router.post(
    "/{export_id}/continue",
    response={200: ExportOut, **dict.fromkeys((400, 404, 409, 422), Problem)},
    summary="Continue an export",
    openapi_extra=_EXPORT_ID,
)
def continue_export(request: HttpRequest, export_id: str) -> HttpResponse:
    """Write the next part of an export's file: about 5 MB, or what is left. Nothing happens if it is done.

    If a request is interrupted, send it again; 409 means that another request is still working on this step.
    """
    once = requests.once(request, None, lambda item: _reply(200, item))
    return _answer(200, _step(request, export_id, once))


def _step(request: HttpRequest, export_id: str, once: Once | None) -> Stepped[ExportItem]:
    owed = partial(allowance.owe, request)
    return export_jobs.step(context(request), export_id, once, read=owed, formats=FORMATS)


def _answer(status: int, done: Stepped[ExportItem], request: HttpRequest | None = None) -> HttpResponse:
    reply = done.reply or _reply(status, done.known, request)
    return replies.answer(reply, replayed=done.replayed)


def _reply(status: int, item: ExportItem, request: HttpRequest | None = None) -> StoredReply:
    location = {"Location": f"{request.path}/{item.id}"} if request else {}
    return StoredReply(status, to_json(_shown(item)).decode(), location)


def _shown(item: ExportItem) -> dict[str, Any]:
    values = item.attribute_values
    shown = {name: values[name] for name in ("id", "format", "status", "tasks", "bytes", "created_at")}
    return shown | {"url": item.link or None}
