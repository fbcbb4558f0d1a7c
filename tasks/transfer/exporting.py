"""Export of all tasks of a person, page by page, so that memory does not grow with the number of tasks."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from django.http import HttpResponseBase, StreamingHttpResponse
from pydantic_core import to_json

from store.paging import pages
from store.request_context import RequestContext
from tasks import selectors
from tasks.items import TaskItem
from tasks.transfer import csv_cells
from tasks.transfer.rows import COLUMNS, JSON_FIELDS
from web import csv_files

PAGE = 250
FORMATS = {"json": "application/json", "csv": "text/csv; charset=utf-8"}

Values = dict[str, Any]
_EMPTY: Values = {"tags": [], "checklist": [], "repeat_from": "due"}


class Writer(Protocol):
    """Writes a file of one format, piece by piece."""

    def head(self) -> str:
        """Return what comes before the tasks."""

    def row(self, values: Values, *, first: bool) -> str:
        """Return one task; ``first``: no task came before."""

    def tail(self, *, empty: bool) -> str:
        """Return what comes after the tasks; ``empty``: there were none."""


@dataclass(frozen=True, slots=True)
class _Json:
    def head(self) -> str:
        return "["

    def row(self, values: Values, *, first: bool) -> str:
        return ("\n" if first else ",\n") + to_json(values).decode()

    def tail(self, *, empty: bool) -> str:
        return "]\n" if empty else "\n]\n"


@dataclass(frozen=True, slots=True)
class _Csv:
    def head(self) -> str:
        return csv_files.head(COLUMNS)

    def row(self, values: Values, *, first: bool) -> str:
        return csv_files.joined(csv_cells.from_task(values)) + "\r\n"

    def tail(self, *, empty: bool) -> str:
        return ""


WRITERS: dict[str, Writer] = {"json": _Json(), "csv": _Csv()}


def export(user_id: str, file_format: str) -> Iterator[str]:
    """Return the chunks of a file (``FORMATS``) with every task of ``user_id``.

    Tasks are in the API's form, the newest first, without the trash. One Query for each ``PAGE`` tasks. A task created
    or deleted during the export may be missing; every other task is included once.
    """
    writer, empty = WRITERS[file_format], True
    yield writer.head()
    for page in pages(lambda cursor: selectors.list_tasks(user_id, limit=PAGE, cursor=cursor)):
        for task in page.items:
            yield writer.row(row(task), first=empty)
            empty = False
    yield writer.tail(empty=empty)


def download(ctx: RequestContext, file_format: str, *, too_large: HttpResponseBase) -> StreamingHttpResponse:
    """Return ``export`` as a file to save, named after the day, or ``too_large`` if one answer cannot hold it."""
    name = filename(f"{ctx.now:%Y-%m-%d}", file_format)
    answer = StreamingHttpResponse(
        export(ctx.user_id, file_format),
        content_type=FORMATS[file_format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
    answer.if_too_large = too_large  # type: ignore[attr-defined]  # read by web.answers
    return answer


def filename(day: str, file_format: str) -> str:
    """Return the name under which the export of a day is saved."""
    return f"tasks-{day}.{file_format}"


def row(task: TaskItem) -> Values:
    """Return the fields of a task that a file has."""
    values = task.attribute_values
    return {name: values.get(name, _EMPTY.get(name)) for name in JSON_FIELDS}
