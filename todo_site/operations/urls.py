"""The site's URLs and the admin's; used only for requests below ``/admin/``."""

from django.urls import path

from todo_site import urls
from todo_site.operations.site import site
from web.error_pages import handler400, handler403, handler404, handler500  # noqa: F401 (Django looks here)

urlpatterns = [path("admin/", site.urls), *urls.urlpatterns]
