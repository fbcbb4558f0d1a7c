"""The Django app, whose name the admin shows."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TasksConfig(AppConfig):
    """The app and its name."""

    name = "tasks"
    verbose_name = _("Tasks")
