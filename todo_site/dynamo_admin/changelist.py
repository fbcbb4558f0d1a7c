"""The change list: pages by cursor, within a budget of reads."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.db import NotSupportedError

from todo_site.dynamo_admin import query
from todo_site.dynamo_admin.query import CannotRead, Page, TooMuchToRead
from todo_site.dynamo_admin.reading import Reads

CURSOR_VAR = "after"


class CursorChangeList(ChangeList):
    """Never counts, never skips: a page starts after the last row of the one before."""

    def __init__(self, request: Any, *args: Any, **kwargs: Any) -> None:
        self.cursor = request.GET.get(CURSOR_VAR)
        self.page = Page([], None, Reads())
        super().__init__(request, *args, **kwargs)

    def get_filters_params(self, params: Any = None) -> Any:
        """Return the parameters that are conditions."""
        params = super().get_filters_params(params)
        params.pop(CURSOR_VAR, None)
        return params

    def get_results(self, request: Any) -> None:
        """Read the page; say on it what could not be answered."""
        try:
            self.page = self.queryset.page(self.cursor, self.list_per_page)
        except (CannotRead, TooMuchToRead) as error:
            messages.warning(request, str(error))
        except (NotSupportedError, ValueError) as error:  # ?title__regex=…
            raise IncorrectLookupParameters from error
        self._say(request)
        self.result_list = self.queryset.with_rows(self.page.objects)
        # Equal on purpose: the search form then claims no number of results, which nobody has counted.
        self.result_count = self.full_result_count = len(self.page.objects)
        self.show_full_result_count, self.show_admin_actions = False, True
        self.can_show_all, self.multi_page = False, bool(self.cursor or self.page.next)
        rows: Any = self.page.objects
        self.paginator = self.model_admin.get_paginator(request, rows, self.list_per_page)
        self.filter_params.pop(CURSOR_VAR, None)  # another filter, order or search starts at the top
        self.params.pop(CURSOR_VAR, None)
        self.first_url = self.get_query_string()
        self.next_url = self.get_query_string({CURSOR_VAR: self.page.next})
        self.show_reads = settings.DEBUG

    def _say(self, request: Any) -> None:
        names = self.opts.verbose_name_plural
        if self.page.unsorted:
            messages.warning(
                request,
                f"Sorting would need more than {query.READ_BUDGET:,} {names} to be read, so the newest come first. "
                "Filter further to sort.",
            )
        elif self.page.partial:
            messages.info(
                request,
                f"{self.page.reads.items:,} {names} were looked at for this page. "
                "Go on to look further, or filter by something narrower.",
            )
