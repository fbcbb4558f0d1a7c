"""The site's URLs with the admin's; used for requests below ``/admin/`` only."""

from django.urls import path

from todo_site import urls
from todo_site.operations.site import site

urlpatterns = [path("admin/", site.urls), *urls.urlpatterns]
handler400, handler403, handler404, handler500 = (
    urls.handler400,
    urls.handler403,
    urls.handler404,
    urls.handler500,
)
