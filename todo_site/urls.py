"""The URLs of every page. The API's are in ``todo_site.api_urls``, the admin's in ``todo_site.operations.urls``."""

from django.urls import include, path

from todo_site import privacy, site_pages
from web import api_docs, error_pages
from web.error_pages import handler400, handler403, handler404, handler500  # noqa: F401 (Django looks here)
from web.health import health

urlpatterns = [
    path("health", health, name="health"),
    path("api/docs", api_docs.page, name="api-docs"),
    path("api/docs/errors", site_pages.api_errors, name="api-errors"),
    path("api/docs/<str:version>/<str:name>", api_docs.file, name="api-docs-file"),
    path("", include("identity.urls")),
    path("manifest.webmanifest", site_pages.manifest, name="manifest"),
    path("privacy/", privacy.privacy, name="privacy"),
    path("styleguide/", site_pages.styleguide, name="styleguide"),
    path("account/", include("todo_site.account.urls")),
    path("", include("tasks.urls")),
    path("insights/", include("insights.urls")),
    path("admin/", error_pages.not_here, name="admin"),
]
