"""URLs of the pages about oneself."""

from django.urls import path

from todo_site.account import views

urlpatterns = [
    path("", views.profile, name="account"),
    path("security/", views.security, name="account-security"),
    path("security/second-factor/", views.second_factor, name="account-second-factor"),
    path("security/sign-out/", views.sign_out_everywhere, name="account-sign-out"),
    path("access/", views.access, name="account-access"),
    path("access/revoke/", views.revoke_token, name="account-revoke"),
    path("access/feed/", views.feed, name="account-feed"),
    path("data/", views.data, name="account-data"),
    path("data/export/", views.export, name="account-export"),
    path("data/delete/", views.delete_account, name="account-delete"),
    path("deleted/", views.deleted, name="account-deleted"),
]
