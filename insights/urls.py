"""URLs under ``/insights/``."""

from django.urls import path

from insights import views

urlpatterns = [
    path("", views.dashboard, name="insights"),
    path("cards/<slug:slug>/", views.card, name="insights-card"),
    path("<slug:slug>.csv", views.export, name="insights-csv"),
]
