"""The site's URLs and the API's; used only for requests below ``/api/``."""

from django.urls import path

from todo_site import urls
from todo_site.api import api
from todo_site.urls import handler400, handler403, handler404, handler500  # noqa: F401 (Django looks here)
from web.api import docs

urlpatterns = [
    path("api/docs", docs.page, name="api-docs"),
    path("api/docs/<str:version>/<str:name>", docs.file, name="api-docs-file"),
    path("api/", api.urls),
    *urls.urlpatterns,
]
