"""Reads the rows of a file: our JSON and CSV, and Todoist's CSV. The format is detected from the content."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from store import versions
from store.errors import FieldError
from tasks.fields import EDITABLE
from tasks.ids import is_id
from tasks.transfer import csv_cells
from tasks.transfer.rows import COLUMNS, MAX_ROWS, Row, refuse

_DELIMITERS = ",;\t"


def read(upload: bytes, now: datetime) -> tuple[str, list[Row]]:
    """Return the format (json, csv or todoist) and the rows of a file.

    Parameters
    ----------
    now
        The time that relative dates such as "tomorrow" are based on (aware).

    Raises
    ------
    ValidationFailed
        The file cannot be read as a whole. Errors of a row are in the row.
    """
    try:
        text = upload.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise refuse("encoding", _("The file must be text in UTF-8.")) from None
    if not text.strip():
        raise refuse("empty", _("The file is empty."))
    if text.lstrip()[0] in "[{":
        return "json", _read_json(text)
    return _read_csv(text, now)


def _read_json(text: str) -> list[Row]:
    from web.api.requests import from_json_text  # imports the API, which pages do without

    try:
        tasks = from_json_text(text)
    except ValueError as error:
        raise refuse("json", _("The file is not valid JSON: %(why)s.") % {"why": error}) from None
    if not isinstance(tasks, list):
        raise refuse("json", _("The file must be a JSON array of tasks."))
    _check_size(len(tasks))
    return [_json_row(number, task) for number, task in enumerate(tasks, start=1)]


def _json_row(number: int, task: Any) -> Row:
    if not isinstance(task, dict):
        return Row(number, {}, task, errors=[_error("", _("Must be an object."), "dict_type")])
    given = {
        name: value for name, value in task.items() if name not in versions.READ_ONLY and value is not None
    }
    return Row(number, given, task, _own_id(task))


def _read_csv(text: str, now: datetime) -> tuple[str, list[Row]]:
    lines = _lines(text)
    header = [name.strip().casefold().replace(" ", "_") for name in next(lines)[1]]
    records = [(number, line) for number, line in lines if any(cell.strip() for cell in line)]
    _check_size(len(records))
    if {"type", "content"} <= set(header):
        from tasks.transfer import todoist  # imports the date parser, which only such a file needs

        return "todoist", todoist.rows(header, records, now)
    _check_header(header)
    return "csv", [_csv_row(header, number, line) for number, line in records]


def _lines(text: str) -> Iterator[tuple[int, list[str]]]:
    head = text.lstrip().partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text.lstrip("\r\n"), newline=""), delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, line in enumerate(reader, start=1):
            yield number, line
    except csv.Error as error:
        raise refuse(
            "csv", _("The file is not valid CSV: row %(row)d: %(why)s.") % {"row": number + 1, "why": error}
        ) from None


def _check_size(rows: int) -> None:
    if rows > MAX_ROWS:
        raise refuse(
            "too_many",
            _("The file has %(rows)d rows, at most %(most)d are accepted. Split it.")
            % {"rows": rows, "most": MAX_ROWS},
        )


def _check_header(header: list[str]) -> None:
    known = versions.READ_ONLY.union(COLUMNS)
    if "title" not in header:
        raise refuse("columns", _("The first line must name the columns, `title` among them."))
    if unknown := [name for name in header if name and name not in known]:
        names = ", ".join(name[:50] for name in unknown[:5])
        raise refuse(
            "columns",
            _("Unknown columns: %(names)s. Known columns: %(known)s.")
            % {"names": names, "known": ", ".join(COLUMNS)},
        )
    if twice := [name for name, count in Counter(header).items() if name and count > 1]:
        raise refuse("columns", _("A column appears twice: %(name)s.") % {"name": twice[0]})


def _csv_row(header: list[str], number: int, line: list[str]) -> Row:
    given = {name: cell for name, cell in zip(header, line, strict=False) if name and cell.strip()}
    wanted = csv_cells.to_fields({name: cell for name, cell in given.items() if name in EDITABLE})
    row = Row(number, wanted, given, _own_id(given))
    if any(cell.strip() for cell in line[len(header) :]):
        message = _("The row has more cells than there are columns. Put quotes around text with commas.")
        row.errors.append(_error("", message, "too_many_cells"))
    return row


def _own_id(given: dict[str, Any]) -> str | None:
    own = given.get("id")
    return own if isinstance(own, str) and is_id(own) else None


def _error(name: str, message: str, code: str) -> FieldError:
    return FieldError(field=name, message=message, code=code)
