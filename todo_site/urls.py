"""Every URL of the site. The API's own routes are in ``tasks.api``."""

from django.urls import include, path

from todo_site import lazily
from web.health import health

api_docs = lazily.LazyViews("web.api.docs")
site_pages = lazily.LazyViews("todo_site.site_pages")

urlpatterns = [
    path("health", health, name="health"),
    path("api/docs", api_docs.page, name="api-docs"),
    path("api/docs/<str:version>/<str:name>", api_docs.file, name="api-docs-file"),
    path("", include("identity.urls")),
    path("manifest.webmanifest", site_pages.manifest, name="manifest"),
    path("styleguide/", site_pages.styleguide, name="styleguide"),
    path("account/", include("todo_site.account.urls")),
    path("", include("tasks.urls")),
    path("insights/", include("insights.urls")),
    path("admin/", lazily.elsewhere, name="admin"),
]
handler400 = "web.error_pages.bad_request"
handler403 = "web.error_pages.permission_denied"
handler404 = "web.error_pages.page_not_found"
handler500 = "web.error_pages.server_error"
