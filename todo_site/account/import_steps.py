"""Importing a file step by step, so that its owner sees the progress, with and without JavaScript.

Each request imports a part and answers with a page that shows the progress and carries the file in a form for the next
step, which JavaScript submits by itself. The server keeps nothing between the steps, and no step takes longer than a
Lambda may. A step or a file that is sent twice creates nothing twice.
"""

import base64
import gzip
import hashlib
import zlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from django.contrib import messages
from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from identity import allowance
from identity.sign_in import context
from tasks.transfer import importing
from todo_site.account.forms import ImportForm

if TYPE_CHECKING:
    from tasks.transfer.importing import ImportReport

FILE_MAX = 1024 * 1024
CARRIED_MAX = 600_000  # characters; a form may have a megabyte


@dataclass(frozen=True, slots=True)
class Progress:
    """``done`` of ``total`` rows are imported; ``carried`` is the file as the form carries it."""

    done: int
    total: int
    carried: str


def step(request: HttpRequest, form: ImportForm) -> "tuple[ImportReport | None, Progress | None]":
    """Import the next part of a file, or try all of it out. Return the report at the end, before it the progress.

    Raises DomainError for a file that cannot be read.
    """
    content, given = _content(form), form.cleaned_data
    looked_at = partial(allowance.take_rows, request, looked_at=True)
    if "dry_run" in request.POST:
        return importing.import_tasks(context(request), content, True, counted=looked_at), None
    # The same file is imported once however often it is sent.
    key = f"web-{hashlib.sha256(content).hexdigest()[:40]}"
    counted = partial(allowance.take_rows, request)
    carried = base64.b64encode(gzip.compress(content, mtime=0)).decode()
    if len(carried) <= CARRIED_MAX:
        done, total = importing.import_part(
            context(request),
            content,
            key,
            given["done"] or 0,
            given["part"] or form.PART,
            counted,
        )
        if done < total:
            return None, Progress(done, total, carried)
        counted = looked_at  # all of it is there by now
    report = importing.import_tasks(context(request), content, key=key, counted=counted)
    if report.created:
        text = ngettext("Imported %(count)d task", "Imported %(count)d tasks", report.created)
        messages.success(request, text % {"count": report.created})
    return report, None


def _content(form: ImportForm) -> bytes:
    if file := form.cleaned_data["file"]:
        return bytes(file.read())
    try:
        # Never unpack more than a file may have.
        unpacking = zlib.decompressobj(wbits=31)
        packed = base64.b64decode(form.cleaned_data["carried"], validate=True)
        content = unpacking.decompress(packed, FILE_MAX)
    except (ValueError, zlib.error) as error:
        raise BadRequest(_("The request could not be understood.")) from error
    if not unpacking.eof:
        raise BadRequest(_("The request could not be understood."))
    return content
