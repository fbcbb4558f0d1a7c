"""Every URL of the site. The API's own routes are in ``todo_site.api``."""

from django.urls import include, path

from todo_site import lazily
from todo_site.health import health

api_docs = lazily.LazyViews("tasks.api.docs")
site_pages = lazily.LazyViews("todo_site.site_pages")

urlpatterns = [
    path("health", health, name="health"),
    path("api/docs", api_docs.page, name="api-docs"),
    path("api/docs/<str:version>/<str:name>", api_docs.file, name="api-docs-file"),
    path("", include("todo_site.identity.urls")),
    path("manifest.webmanifest", site_pages.manifest, name="manifest"),
    path("styleguide/", site_pages.styleguide, name="styleguide"),
    path("account/", include("todo_site.account.urls")),
    path("", include("tasks.urls")),
    path("insights/", include("insights.urls")),
    path("admin/", lazily.elsewhere, name="admin"),
]
handler400 = "todo_site.views.bad_request"
handler403 = "todo_site.views.permission_denied"
handler404 = "todo_site.views.page_not_found"
handler500 = "todo_site.views.server_error"
