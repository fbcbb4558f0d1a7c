"""Every URL of the site. The API's own routes are in ``tasks.api``."""

from django.urls import include, path

from todo_site import site_pages
from todo_site.operations.middleware import elsewhere

urlpatterns = [
    path("", include("tasks.api.urls")),  # first: most requests are for it
    path("", include("todo_site.identity.urls")),
    path("manifest.webmanifest", site_pages.manifest, name="manifest"),
    path("styleguide/", site_pages.styleguide, name="styleguide"),
    path("account/", include("todo_site.account.urls")),
    path("", include("tasks.urls")),
    path("insights/", include("insights.urls")),
    path("admin/", elsewhere, name="admin"),
]
handler400 = "todo_site.views.bad_request"
handler403 = "todo_site.views.permission_denied"
handler404 = "todo_site.views.page_not_found"
handler500 = "todo_site.views.server_error"
