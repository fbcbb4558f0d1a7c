"""URLs of signing in and out, and of the colours."""

from django.urls import path

from todo_site.identity import views

urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("theme/", views.theme, name="theme"),
]
