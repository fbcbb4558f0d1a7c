"""The change list: it pages by cursor and within a budget of reads, and refuses what it cannot serve."""

import logging
from datetime import UTC
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import (
    ALL_VAR,
    ERROR_FLAG,
    ORDER_VAR,
    PAGE_VAR,
    SEARCH_VAR,
    ChangeList,
)
from django.core.exceptions import FieldError, SuspiciousOperation, ValidationError
from django.core.signing import BadSignature, Signer
from django.db import NotSupportedError
from django.db.models.constants import LOOKUP_SEP
from django.utils.translation import gettext as _
from pynamodb.exceptions import PynamoDBException

from dynamo_admin import query
from dynamo_admin.errors import CannotServe
from dynamo_admin.query import (
    FOLDED,
    LOOKUPS,
    MAX_POSITION,
    CannotRead,
    Page,
    TooMuchAsked,
    TooMuchToRead,
)
from dynamo_admin.reading import Reads

CURSOR_VAR, COUNT_VAR = "after", "count"
# Of Django's own lists; this one has neither numbered pages nor all rows at once.
_UNSERVED = (PAGE_VAR, ALL_VAR, ERROR_FLAG)
_TRUTH = frozenset({"0", "1", "true", "false", "True", "False"})
_log = logging.getLogger(__name__)
READING_FAILED = (CannotRead, TooMuchAsked, TooMuchToRead, PynamoDBException)


def reason(error: Exception) -> str:
    """Return why reading failed, in words for the user. What DynamoDB says goes to the log."""
    if isinstance(error, PynamoDBException):
        _log.error("DynamoDB refused a request of the admin", exc_info=error)
        return _("DynamoDB did not do this. The log says why.")
    return str(error)


class CursorChangeList(ChangeList):
    """Pages without counting or skipping: each page starts after the last row of the previous one.

    Attributes
    ----------
    refusal
        Why the list cannot be shown as asked; "" if it can. It has no rows then, never those of another question.
    damaged
        The rows of the page whose items cannot be read.
    """

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        self.cursor = request.GET.get(CURSOR_VAR)
        self.page = Page([], None, Reads())
        self.refusal = ""
        self.damaged: list[Any] = []
        super().__init__(request, *args, **kwargs)

    def get_filters_params(self, params: Any = None) -> Any:
        """Return the query parameters that are filters."""
        params = super().get_filters_params(params)
        params.pop(CURSOR_VAR, None)
        params.pop(COUNT_VAR, None)
        return params

    # --- What cannot be served ------------------------------------------------------------------------------

    def get_queryset(self, request: Any, exclude_parameters: Any = None) -> Any:
        """Return the rows asked for; none, with ``refusal`` set, if a parameter cannot be served."""
        if self.refusal:
            return super().get_queryset(request, exclude_parameters).none()
        try:
            self._check_controls(request)
            found = super().get_queryset(request, exclude_parameters)
            query.check_extent(found.query.where)
            query.predicate(found.query.where, self.model)
        except (CannotServe, TooMuchAsked) as error:
            self.refusal = str(error)
        except IncorrectLookupParameters as error:
            self.refusal = self._cannot(*error.args)
        except (
            *(SuspiciousOperation, NotSupportedError, ValidationError),
            *(FieldError, ValueError, TypeError),
        ) as error:
            self.refusal = self._cannot(error)
        else:
            return found
        # The filters beside the list lead back to what can be served.
        self.filter_params, self.params, self.query = {}, {}, ""
        return super().get_queryset(request, exclude_parameters).none()

    def _cannot(self, error: Any = "") -> str:
        said = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        return _("This list cannot be filtered like that: %(reason)s") % {"reason": said}

    def _check_controls(self, request: Any) -> None:
        """Check what is asked for beside filters. Raises CannotServe."""
        for name in _UNSERVED:
            if name in request.GET:
                raise CannotServe(_no_such(name))
        sought = request.GET.get(SEARCH_VAR, "")
        if sought and (not self.query or not self.search_fields):
            raise CannotServe(_("This list cannot be searched for that."))
        order = request.GET.get(ORDER_VAR)
        for part in [] if order is None else order.split("."):
            digits = part.removeprefix("-")
            if not digits.isdecimal() or len(digits) > 3 or not self._sorts_by(int(digits)):
                raise CannotServe(_("This list cannot be ordered by “%(order)s”.") % {"order": order})

    def _sorts_by(self, column: int) -> bool:
        columns = self.list_display
        return column < len(columns) and self.get_ordering_field(columns[column]) is not None

    def get_filters(self, request: Any) -> Any:
        """Return Django's filters. Raises CannotServe for a parameter that none of them knows."""
        for name, values in self.get_filters_params().items():
            if name.endswith(f"{LOOKUP_SEP}isnull") and not _TRUTH.issuperset(values):
                raise CannotServe(_no_such(f"{name}={values[-1]}"))
        found = super().get_filters(request)
        filters, _has_filters, others = found[:3]
        for spec in filters:
            if isinstance(spec, SimpleListFilter) and spec.value() is not None:
                known = {str(value) for value, _title in spec.lookup_choices}
                if spec.value() not in known:
                    raise CannotServe(_no_such(f"{spec.parameter_name}={spec.value()}"))
        fields = {"pk"} | {field.name for field in self.opts.concrete_fields}
        for name in others:
            field, _separator, lookup = name.partition(LOOKUP_SEP)
            if field not in fields or (lookup or "exact") not in LOOKUPS | FOLDED:
                raise CannotServe(_no_such(name))
        return found

    # --- Pages ----------------------------------------------------------------------------------------------

    def _signer(self) -> Signer:
        """Return what signs positions: each is of one list only, in one order, with the same filters."""
        asked = self.get_query_string(remove=[CURSOR_VAR])
        return Signer(salt=f"dynamo_admin.after.{self.opts.label_lower}{asked}")

    def _position(self) -> str | None:
        if not self.cursor:
            return None
        position, _separator, _signature = self.cursor.rpartition(":")
        query.at_most(MAX_POSITION, len((position or self.cursor).encode()))
        try:
            return self._signer().unsign(self.cursor)
        except BadSignature:
            raise CannotServe(_("This is not a page of this list. Start with its first page.")) from None

    def get_results(self, request: Any) -> None:
        """Read the page and report what could not be read. The export, which reads its own pages, skips this."""
        if getattr(request, "dynamo_unread", False):
            return
        full = self.list_per_page
        self.list_per_page = getattr(request, "dynamo_rows", full)
        said = []
        try:
            if not self.refusal:
                self.page = self.queryset.page(self._position(), self.list_per_page)
        except CannotServe as error:
            self.refusal = str(error)
        except READING_FAILED as error:
            said.append((messages.WARNING, reason(error)))
        except (NotSupportedError, ValueError, TypeError) as error:
            _log.warning("A list of the admin cannot be read as asked", exc_info=error)
            self.refusal = self._cannot(error)
        if self.refusal:
            said.append((messages.ERROR, self.refusal))
            request.dynamo_refusal = self.refusal
        if self.list_per_page == full:  # with fewer rows, this page is built once more and has said it
            for level, text in said:
                messages.add_message(request, level, text)
            self._report(request)
        readable = [obj for obj in self.page.objects if not obj.unreadable]
        self.damaged = [obj for obj in self.page.objects if obj.unreadable]
        model_admin: Any = self.model_admin
        model_admin.prepare(request, readable)
        self.result_list = self.queryset.with_rows(readable)
        # Equal, so that the search form does not show a number of results: they were not counted.
        self.result_count = self.full_result_count = len(readable)
        self.show_full_result_count, self.show_admin_actions = False, True
        self.can_show_all, self.multi_page = False, bool(self.cursor or self.page.next)
        rows: Any = readable
        self.paginator = self.model_admin.get_paginator(request, rows, self.list_per_page)
        self.filter_params.pop(CURSOR_VAR, None)  # a changed filter, order or search starts on the first page
        self.params.pop(CURSOR_VAR, None)
        self.first_url = self.get_query_string()
        following = self.page.next and self._signer().sign(self.page.next)
        self.next_url = self.get_query_string({CURSOR_VAR: following})
        self.show_reads = settings.DEBUG
        self._count(request)
        self.counted = self.opts.verbose_name if self.result_count == 1 else self._rows()

    def _count(self, request: Any) -> None:
        """Set ``total``: of a list that ends on its first page, or of the model's copy if it was asked to count."""
        self.total, self.total_as_of, self.count_url = None, None, ""
        model: Any = self.model
        if self.refusal or not self.multi_page or model.sorted_copy is None:
            return
        question = self.queryset.question()
        self.count_url = self.get_query_string({COUNT_VAR: "1"}) if question else ""
        if question and COUNT_VAR in request.GET:
            counted = model.sorted_copy.count(question)
            if counted:
                self.total, self.total_as_of = counted
            else:
                messages.warning(request, _("They cannot be counted at the moment."))

    def get_ordering_field_columns(self) -> Any:
        """Return the columns to be marked as sorted: none that the page is not sorted by."""
        return {} if self.page.unsorted or self.refusal else super().get_ordering_field_columns()

    def _rows(self) -> Any:
        admin: Any = self.model_admin
        return admin.rows or self.opts.verbose_name_plural

    def _report(self, request: Any) -> None:
        names = self._rows()
        if self.page.unsorted:
            messages.warning(
                request,
                _(
                    "Sorting would need more than %(budget)s %(names)s to be read, so the newest come first. "
                    "Filter further to sort."
                )
                % {"budget": f"{query.READ_BUDGET:,}", "names": names},
            )
        elif self.page.as_of:
            text = _(
                "Sorted as of %(time)s UTC: what was added or changed since may be missing, or elsewhere."
            )
            messages.info(request, text % {"time": f"{self.page.as_of.astimezone(UTC):%Y-%m-%d %H:%M:%S}"})
        elif self.page.partial:
            messages.info(
                request,
                _(
                    "%(number)s %(names)s were looked at for this page. "
                    "Go on to look further, or filter by something narrower."
                )
                % {"number": f"{self.page.reads.items:,}", "names": names},
            )


def _no_such(name: str) -> str:
    return _("This list cannot be filtered by “%(name)s”.") % {"name": name}
