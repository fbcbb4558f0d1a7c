"""URLs of signing up, signing in and out, forgotten passwords, the theme, the time zone and announcements."""

from django.urls import path

from identity import registration, strength, views

urlpatterns = [
    path("login/", views.login, name="login"),
    path("logout/", views.logout, name="logout"),
    path("login/code/", registration.challenge, name="challenge"),
    path("login/recovery/", registration.recovery, name="recovery"),
    path("sign-up/", registration.sign_up, name="sign-up"),
    path("sign-up/confirm/", registration.confirm, name="confirm"),
    path("password/forgotten/", registration.forgotten, name="forgotten"),
    path("password/strength/", strength.strength, name="strength"),
    path("password/reset/", registration.reset, name="reset"),
    path("theme/", views.theme, name="theme"),
    path("looking/end/", views.end_looking, name="end-looking"),
    path("announcements/dismiss/", views.dismiss, name="dismiss"),
    path("time-zone/", views.zone, name="time-zone"),
]
