"""URLs below ``/insights/``: the dashboard about everybody, and below ``me/`` the personal one."""

from django.urls import path

from insights import views

urlpatterns = [
    path("", views.dashboard, name="insights"),
    path("cards/<slug:slug>/", views.card, name="insights-card"),
    path("tasks/", views.tasks, name="insights-tasks"),
    path("tasks.csv", views.export_tasks, name="insights-tasks-csv"),
    path("<slug:slug>.csv", views.export, name="insights-csv"),
    path("me/", views.my_dashboard, name="insights-me"),
    path("me/goal/", views.my_goal, name="insights-me-goal"),
    path("me/cards/<slug:slug>/", views.my_card, name="insights-me-card"),
    path("me/tasks/", views.my_tasks, name="insights-me-tasks"),
    path("me/tasks.csv", views.my_export_tasks, name="insights-me-tasks-csv"),
    path("me/<slug:slug>.csv", views.my_export, name="insights-me-csv"),
]
