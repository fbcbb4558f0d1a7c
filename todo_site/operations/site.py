"""The admin site: who may enter, its models, and its own pages."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy

from dynamo_admin.site import DynamoAdminSite
from identity import admin_people, roles, sign_in
from identity.admin_models import AuditEntry
from identity.audited_admin import with_links
from tasks.admin import model_admins
from todo_site.operations import (
    attention,
    people,
    pipeline,
    quarantine,
    records,
    service_checks,
    usage,
    workspace_pages,
)
from web import csv_files
from web.answers import Budget, fit_page

_NOT_FOR_YOU = gettext_lazy(
    "The admin is for people in the groups admins and viewers. "
    "Ask an administrator if you should be in one of them."
)
_NEEDS_FACTOR = gettext_lazy(
    "The admin wants a second step at sign-in. Set up an app here; if you have one, sign out and in again."
)


class Site(DynamoAdminSite):
    """Django's admin, with roles from Cognito and the site's own sign-in page."""

    site_header = site_title = gettext_lazy("Todo admin")
    index_title = gettext_lazy("Overview")
    enable_nav_sidebar = True
    index_template = "admin/overview.html"

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether the person is staff now, with a second factor where one is wanted.

        Raises PermissionDenied for signed-in people who are no staff.
        """
        if not request.user.is_authenticated:
            return False
        if not roles.refreshed(request).is_staff:
            raise PermissionDenied(str(_NOT_FOR_YOU))
        return not settings.ADMIN_SECOND_FACTOR or bool(request.session.get(sign_in.FACTOR_KEY))

    def login(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Redirect to the sign-in page and from there back, or to where a second factor is set up."""
        following = request.GET.get("next") or reverse("admin:index")
        if request.user.is_authenticated and self.has_permission(request):
            return redirect("admin:index")
        if request.user.is_authenticated:
            messages.warning(request, _NEEDS_FACTOR)
            return redirect("account-second-factor")
        return redirect(f"{reverse('login')}?{urlencode({'next': following})}")

    def logout(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Sign out as on the other pages."""
        if request.method == "POST":
            sign_in.sign_out(request)
        return redirect("login")

    def get_urls(self) -> list[Any]:
        """Return the URLs of the admin with the site's own: Pipeline, Health, and the people that fields suggest."""
        pages = [
            path(f"{page.name}/", self.admin_view(page.view_for(self)), name=page.name)
            for page in (
                pipeline.PAGE,
                service_checks.PAGE,
                workspace_pages.SETTINGS,
                workspace_pages.ANNOUNCEMENTS,
            )
        ]
        people = path("people/", self.admin_view(admin_people.suggest), name="people")
        return [*pages, people, *super().get_urls()]

    def index(self, request: HttpRequest, extra_context: Any = None) -> Any:
        """Show what needs somebody and the totals of the last published figures above the list of models."""
        shown = {"needs": attention.needs(), "totals": usage.totals()}
        return super().index(request, {**shown, **(extra_context or {})})

    def each_context(self, request: HttpRequest) -> Any:
        """Add what the navigation tells of."""
        return {**super().each_context(request), "lately": attention.lately}

    def latest_actions(self, user_id: str | None, limit: int) -> Sequence[Any]:
        """Return the latest entries of the audit trail."""
        entries: Any = AuditEntry
        found = entries.objects.all() if user_id is None else entries.objects.filter(actor_id=user_id)
        return with_links(found.page(None, limit).objects)

    def csv_lines(self, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
        """Return the lines of a file for spreadsheets."""
        yield csv_files.head(names)
        yield from map(csv_files.line, rows)

    def fitting(self) -> Callable[[str], bool]:
        """Let an export end with the last line that an answer holds."""
        budget = Budget()
        return lambda line: budget.take(line.encode())

    def fit_page(self, build: Callable[[int], HttpResponse], rows: int) -> HttpResponse:
        """Show fewer rows where an answer could not hold as many."""
        return fit_page(build, rows)


site = Site(name="admin")
for module in (people, model_admins, records, quarantine):
    for model, model_admin in module.ADMINS.items():
        site.register(model, model_admin)
