"""Export of all tasks of a person, page by page, so that memory does not grow with the number of tasks."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from django.http import StreamingHttpResponse
from pydantic_core import to_json

from store.paging import pages
from store.request_context import RequestContext
from tasks import selectors
from tasks.transfer import csv_cells
from tasks.transfer.rows import COLUMNS, JSON_FIELDS

PAGE = 250
FORMATS = {"json": "application/json", "csv": "text/csv; charset=utf-8"}

Values = dict[str, Any]
_EMPTY: Values = {"tags": [], "checklist": [], "repeat_from": "due"}


def export(user_id: str, file_format: str) -> Iterator[str]:
    """Return the chunks of a file (``FORMATS``) with every task of ``user_id``. Reads the first page immediately.

    Tasks are in the API's form, the newest first, without the trash. One Query for each ``PAGE`` tasks. A task created
    or deleted during the export may be missing; every other task is included once. If a later page cannot be read, the
    iterator raises, so that the file is visibly incomplete.
    """
    pages = _pages(user_id)
    first = next(pages, [])
    writer = _as_csv if file_format == "csv" else _as_json
    return writer(chain([first], pages))


def download(ctx: RequestContext, file_format: str) -> StreamingHttpResponse:
    """Return ``export`` as a file to save, named after the day."""
    name = f"tasks-{ctx.now:%Y-%m-%d}.{file_format}"
    return StreamingHttpResponse(
        export(ctx.user_id, file_format),
        content_type=FORMATS[file_format],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _pages(user_id: str) -> Iterator[list[Values]]:
    for page in pages(lambda cursor: selectors.list_tasks(user_id, limit=PAGE, cursor=cursor)):
        yield [_row(task.attribute_values) for task in page.items]


def _row(task: Values) -> Values:
    return {name: task.get(name, _EMPTY.get(name)) for name in JSON_FIELDS}


def _as_json(pages: Iterable[list[Values]]) -> Iterator[str]:
    separator = "[\n"
    for page in pages:
        for row in page:
            yield separator + to_json(row).decode()
            separator = ",\n"
    yield "[]\n" if separator == "[\n" else "\n]\n"


def _as_csv(pages: Iterable[list[Values]]) -> Iterator[str]:
    yield csv_cells.write([COLUMNS])
    for page in pages:
        yield csv_cells.write(csv_cells.from_task(row) for row in page)
