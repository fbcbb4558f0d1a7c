"""The site's URLs with the API's; used for requests below ``/api/`` only."""

from django.urls import path

from todo_site import urls
from todo_site.api import api

urlpatterns = [path("api/", api.urls), *urls.urlpatterns]
handler400, handler403, handler404, handler500 = (
    urls.handler400,
    urls.handler403,
    urls.handler404,
    urls.handler500,
)
