"""The change list: it pages by cursor and within a budget of reads."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db import NotSupportedError
from django.utils.translation import gettext as _
from pynamodb.exceptions import PynamoDBException

from dynamo_admin import query
from dynamo_admin.query import CannotRead, Page, TooMuchToRead
from dynamo_admin.reading import Reads

CURSOR_VAR = "after"
READING_FAILED = (CannotRead, TooMuchToRead, PynamoDBException)


def reason(error: Exception) -> str:
    """Return why reading failed, in words for the user."""
    if isinstance(error, PynamoDBException):
        return _("DynamoDB does not answer: %(error)s") % {"error": error.msg}
    return str(error)


class CursorChangeList(ChangeList):
    """Pages without counting or skipping: each page starts after the last row of the previous one."""

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        self.cursor = request.GET.get(CURSOR_VAR)
        self.page = Page([], None, Reads())
        super().__init__(request, *args, **kwargs)

    def get_filters_params(self, params: Any = None) -> Any:
        """Return the query parameters that are filters."""
        params = super().get_filters_params(params)
        params.pop(CURSOR_VAR, None)
        return params

    def get_results(self, request: Any) -> None:
        """Read the page and report what could not be read. The export, which reads its own pages, skips this."""
        if getattr(request, "dynamo_unread", False):
            return
        full = self.list_per_page
        self.list_per_page = getattr(request, "dynamo_rows", full)
        try:
            self.page = self.queryset.page(self.cursor, self.list_per_page)
        except READING_FAILED as error:
            messages.warning(request, reason(error))
        except (NotSupportedError, ValueError) as error:  # ?title__regex=…
            raise IncorrectLookupParameters from error
        if self.list_per_page == full:  # with fewer rows, this page is built once more and has said it
            self._report(request)
        self.result_list = self.queryset.with_rows(self.page.objects)
        # Equal, so that the search form does not show a number of results: they were not counted.
        self.result_count = self.full_result_count = len(self.page.objects)
        self.show_full_result_count, self.show_admin_actions = False, True
        self.can_show_all, self.multi_page = False, bool(self.cursor or self.page.next)
        rows: Any = self.page.objects
        self.paginator = self.model_admin.get_paginator(request, rows, self.list_per_page)
        self.filter_params.pop(CURSOR_VAR, None)  # a changed filter, order or search starts on the first page
        self.params.pop(CURSOR_VAR, None)
        self.first_url = self.get_query_string()
        self.next_url = self.get_query_string({CURSOR_VAR: self.page.next})
        self.show_reads = settings.DEBUG
        self.counted = self.opts.verbose_name if self.result_count == 1 else self._rows()

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
        elif self.page.partial:
            messages.info(
                request,
                _(
                    "%(number)s %(names)s were looked at for this page. "
                    "Go on to look further, or filter by something narrower."
                )
                % {"number": f"{self.page.reads.items:,}", "names": names},
            )
