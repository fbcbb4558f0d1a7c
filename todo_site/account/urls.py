"""URLs of the account pages."""

from django.urls import path

from todo_site.account import access, data, deletion, email, profile, second_factor, security

urlpatterns = [
    path("", profile.profile, name="account"),
    path("email/", email.email, name="account-email"),
    path("security/", security.security, name="account-security"),
    path("security/second-factor/", second_factor.second_factor, name="account-second-factor"),
    path("security/sign-out/", security.sign_out, name="account-sign-out"),
    path("access/", access.access, name="account-access"),
    path("access/revoke/", access.revoke_token, name="account-revoke"),
    path("access/feed/", access.feed, name="account-feed"),
    path("data/", data.data, name="account-data"),
    path("data/import/", data.import_start, name="account-import"),
    path("data/import/<str:import_id>/", data.import_job, name="account-import-job"),
    path("data/export/", data.export, name="account-export"),
    path("data/export/steps/", data.export_steps, name="account-export-steps"),
    path("data/export/<str:export_id>/", data.export_file, name="account-export-file"),
    path("data/delete/", deletion.delete_account, name="account-delete"),
    path("deleted/", deletion.deleted, name="account-deleted"),
]
