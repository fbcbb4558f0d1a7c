"""The URLs of every page. The API's are in ``todo_site.api_urls``, the admin's in ``todo_site.operations.urls``."""

from django.urls import include, path

from todo_site import site_pages
from web import error_pages
from web.health import health

urlpatterns = [
    path("health", health, name="health"),
    path("api/docs", error_pages.not_here, name="api-docs"),
    path("", include("identity.urls")),
    path("manifest.webmanifest", site_pages.manifest, name="manifest"),
    path("styleguide/", site_pages.styleguide, name="styleguide"),
    path("account/", include("todo_site.account.urls")),
    path("", include("tasks.urls")),
    path("insights/", include("insights.urls")),
    path("admin/", error_pages.not_here, name="admin"),
]
handler400 = "web.error_pages.bad_request"
handler403 = "web.error_pages.permission_denied"
handler404 = "web.error_pages.page_not_found"
handler500 = "web.error_pages.server_error"
