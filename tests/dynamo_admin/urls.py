from django.urls import path

from tests.dynamo_admin.library import site

urlpatterns = [path("admin/", site.urls)]
