"""Reads the rows of a file: our JSON and CSV, and Todoist's CSV. The format is detected from the content.

``read`` reads a whole file, and ``read_window`` a part of one: as many whole rows as a window of it holds.
"""

import codecs
import csv
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from store import versions
from store.errors import FieldError, ValidationFailed
from tasks.fields import EDITABLE
from tasks.ids import is_id
from tasks.transfer import csv_cells
from tasks.transfer.rows import COLUMNS, MAX_ROWS, MORE_CELLS, TIMES, Row, refuse
from web import csv_files

_SPACE = " \t\r\n"
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a file the next row begins, and what was learnt of the file before.

    Attributes
    ----------
    offset
        Bytes before it.
    records
        Records before it: of CSV the blank ones and the header too, of JSON the elements.
    format, encoding, delimiter, header
        As the beginning of the file says; blank before it was read.
    section
        The section of a Todoist template that the next row is in.
    """

    offset: int = 0
    records: int = 0
    format: str = ""
    encoding: str = ""
    delimiter: str = ""
    header: tuple[str, ...] = ()
    section: str = ""


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
    encoding, mark = csv_files.encoding_of(upload)
    try:
        text = upload[mark:].decode(encoding)
    except UnicodeDecodeError:
        raise _not_text() from None
    if not text.strip():
        raise refuse("empty", _("The file is empty."))
    if text.lstrip()[0] in "[{":
        return "json", _read_json(text)
    return _read_csv(text, now)


def read_window(
    content: bytes, place: Place, now: datetime, most: int, *, last: bool
) -> "tuple[list[Row], Place]":
    """Return at most ``most`` of the rows that ``content`` holds whole, and the place of the row after them.

    A task of a Todoist template is whole with its sub-tasks, and the last one may exceed ``most``. No rows mean that
    the next one needs a larger window, or that ``last``, the end of the file, is reached.

    Parameters
    ----------
    content
        The file from ``place`` on, or a part of it.
    now
        As of ``read``.

    Raises ValidationFailed: what comes next cannot be read, or not in a window of this size.
    """
    mark = 0
    if not place.encoding:
        encoding, mark = csv_files.encoding_of(content)
        place = replace(place, encoding=encoding, offset=mark)
    try:
        text = codecs.getincrementaldecoder(place.encoding)().decode(content[mark:], final=last)
    except UnicodeDecodeError:
        raise _not_text() from None
    if not place.format:
        if not text.strip():
            raise refuse("empty", _("The file is empty."))
        place = replace(place, format="json" if text.lstrip()[0] in "[{" else "csv")
    rows, place, end = (_json_window if place.format == "json" else _csv_window)(
        text, place, now, most, last=last
    )
    return rows, replace(place, offset=place.offset + len(text[:end].encode(place.encoding)))


def _not_text() -> Exception:
    return refuse("encoding", _("The file must be text in UTF-8, or in UTF-16 with a byte order mark."))


def _read_json(text: str) -> list[Row]:
    from web.api.requests import from_json_text  # imports the API, which pages do without

    try:
        tasks = from_json_text(text)
    except ValueError as error:
        raise _no_json(error) from None
    if not isinstance(tasks, list):
        raise _no_array()
    _check_size(len(tasks))
    return [_json_row(number, task) for number, task in enumerate(tasks, start=1)]


def _no_json(why: object) -> Exception:
    return refuse("json", _("The file is not valid JSON: %(why)s.") % {"why": why})


def _no_array() -> Exception:
    return refuse("json", _("The file must be a JSON array of tasks."))


def _json_window(
    text: str, place: Place, now: datetime, most: int, *, last: bool
) -> tuple[list[Row], Place, int]:
    """Read elements one by one. Return the rows, the place, and the characters read.

    ``place.delimiter`` is the closing bracket once that was read.
    """
    rows: list[Row] = []
    end, at = 0, _after_space(text, 0)
    if not place.records:
        if text[at : at + 1] != "[":
            raise _no_array()
        at = _after_space(text, at + 1)
    while len(rows) < most:
        if place.delimiter or text[at : at + 1] == "]":
            if text[at:].removeprefix("" if place.delimiter else "]").strip():
                raise _no_json("there is more after the array")
            return rows, replace(place, delimiter="]"), len(text)
        found = _element(text, at, first=not place.records, last=last)
        if found is None:
            break
        task, end = found
        place = replace(place, records=place.records + 1)
        rows.append(_json_row(place.records, task))
        at = _after_space(text, end)
    return rows, place, end


def _element(text: str, at: int, *, first: bool, last: bool) -> tuple[Any, int] | None:
    """Return the element of an array at ``at``, and the character after it; None if the text may end inside it."""
    if not first and at < len(text):
        if text[at] != ",":
            raise _no_json("a comma is missing")
        at = _after_space(text, at + 1)
    try:
        _value, end = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError) as error:
        if last:
            raise _no_json(error) from None
        return None
    if end == len(text) and not last:  # a number may go on
        return None
    from web.api.requests import from_json_text  # as above

    try:
        return from_json_text(text[at:end]), end
    except ValueError as error:
        raise _no_json(error) from None


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in _SPACE:
        at += 1
    return at


def _json_row(number: int, task: Any) -> Row:
    if not isinstance(task, dict):
        return Row(number, {}, task, errors=[_error("", _("Must be an object."), "dict_type")])
    stated = {name: value for name, value in task.items() if value is not None}
    given = {name: value for name, value in stated.items() if name not in versions.READ_ONLY}
    return Row(number, given, task, _own_id(task), times=_times(stated))


def _read_csv(text: str, now: datetime) -> tuple[str, list[Row]]:
    delimiter, start = csv_files.dialect_of(text)
    lines = _lines(text, delimiter, start)
    header = _header(next(lines)[1])
    records = [(number, line) for number, line in lines if any(cell.strip() for cell in line)]
    _check_size(len(records))
    if _is_todoist(header):
        from tasks.transfer import todoist  # as above

        return "todoist", todoist.rows(header, records, now)
    _check_header(header)
    return "csv", [_csv_row(header, number, line) for number, line in records]


def _csv_window(
    text: str, place: Place, now: datetime, most: int, *, last: bool
) -> tuple[list[Row], Place, int]:
    """Read records one by one. Return the rows, the place, and the characters read."""
    rows: list[Row] = []
    end = start = 0
    if not place.header:
        delimiter, start = csv_files.dialect_of(text)
        place = replace(place, delimiter=delimiter)
    records = _whole_records(text, place, start, last=last)
    if not place.header:
        first = next(records, None)
        if first is None:
            return rows, place, end
        number, cells, end = first
        place = replace(place, records=number, header=tuple(_header(cells)))
        if _is_todoist(place.header):
            place = replace(place, format="todoist")
        else:
            _check_header(place.header)
    if place.format == "todoist":
        return _todoist_window(records, place, end, now, most, last=last)
    for number, cells, after in records:
        end, place = after, replace(place, records=number)
        if any(cell.strip() for cell in cells):
            rows.append(_csv_row(place.header, number, cells))
            if len(rows) >= most:
                break
    return rows, place, end


def _whole_records(
    text: str, place: Place, start: int, *, last: bool
) -> Iterator[tuple[int, list[str], int]]:
    """Yield the records that a text holds whole, each with its number and the character after it."""
    number = place.records
    try:
        for cells, after in csv_files.records(text, place.delimiter, start):
            if after == len(text) and not last:  # it may go on
                return
            number += 1
            yield number, cells, after
    except csv.Error as error:
        if last:
            raise _no_csv(number + 1, error) from None


def _todoist_window(
    records: Iterator[tuple[int, list[str], int]],
    place: Place,
    end: int,
    now: datetime,
    most: int,
    *,
    last: bool,
) -> tuple[list[Row], Place, int]:
    """Read tasks with all that belongs to them. Return the rows, the place, and the characters read.

    Where the dates take more steps than one window may, it ends early.
    """
    from tasks.transfer import todoist  # imports the date parser, which only such a file needs

    reader = todoist.Reader(now, place.section)
    rows: list[Row] = []
    after, number = end, place.records
    try:
        for number, line, following in records:
            cells = todoist.cells_of(place.header, line)
            if reader.begins_anew(cells):
                rows, end = [*reader.rows], after
                place = replace(place, records=number - 1, section=reader.section)
                if len(rows) >= most:
                    return rows, place, end
            reader.read(number, cells)
            _check_size(len(reader.rows) - len(rows))
            after = following
    except ValidationFailed:
        if not rows:
            raise
        return rows, place, end
    if last:
        return reader.rows, replace(place, records=number, section=reader.section), after
    return rows, place, end


def _header(cells: list[str]) -> list[str]:
    return [name.strip().casefold().replace(" ", "_") for name in cells]


def _is_todoist(header: Sequence[str]) -> bool:
    return {"type", "content"} <= set(header)


def _lines(text: str, delimiter: str, start: int) -> Iterator[tuple[int, list[str]]]:
    number = 0
    try:
        for number, (cells, _end) in enumerate(csv_files.records(text, delimiter, start), start=1):
            yield number, cells
    except csv.Error as error:
        raise _no_csv(number + 1, error) from None


def _no_csv(row: int, error: csv.Error) -> Exception:
    return refuse("csv", _("The file is not valid CSV: row %(row)d: %(why)s.") % {"row": row, "why": error})


def _check_size(rows: int) -> None:
    if rows > MAX_ROWS:
        raise refuse(
            "too_many",
            _("The file has %(rows)d rows, at most %(most)d are accepted at once.")
            % {"rows": rows, "most": MAX_ROWS},
        )


def _check_header(header: Sequence[str]) -> None:
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


def _csv_row(header: Sequence[str], number: int, line: list[str]) -> Row:
    given = {name: cell for name, cell in zip(header, line, strict=False) if name and cell.strip()}
    wanted = {name: cell for name, cell in given.items() if name in EDITABLE or name in TIMES}
    values = csv_cells.to_fields(wanted)
    row = Row(number, values, given, _own_id(given), times=_times(values))
    for name in row.times:
        del values[name]
    if others := [cell for cell in line[len(header) :] if cell.strip()]:
        row.fields[MORE_CELLS] = ", ".join(others)
    return row


def _times(given: dict[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in TIMES if name in given}


def _own_id(given: dict[str, Any]) -> str | None:
    own = given.get("id")
    return own if isinstance(own, str) and is_id(own) else None


def _error(name: str, message: str, code: str) -> FieldError:
    return FieldError(field=name, message=message, code=code)
