"""The API's URLs: requests below ``/api`` use these alone, so that they import no page."""

from django.urls import path

from todo_site.api import api
from web.error_pages import handler400, handler403, handler404, handler500  # noqa: F401 (Django looks here)

urlpatterns = [path("api/", api.urls)]
