"""The Django app, whose name the admin shows."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InsightsConfig(AppConfig):
    """The app and its name."""

    name = "insights"
    verbose_name = _("Insights")
