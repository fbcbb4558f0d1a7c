"""Every URL of the site. The API's own routes are in ``tasks.api``."""

from django.urls import include, path

urlpatterns = [
    path("", include("tasks.api.urls")),  # first: most requests are for it
    path("", include("todo_site.identity.urls")),
    path("", include("tasks.urls")),
    path("insights/", include("insights.urls")),
]
handler400 = "todo_site.views.bad_request"
handler403 = "todo_site.views.permission_denied"
handler404 = "todo_site.views.page_not_found"
handler500 = "todo_site.views.server_error"
