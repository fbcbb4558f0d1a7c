"""The app: its templates, found before the admin's own."""

from django.apps import AppConfig


class DynamoAdminConfig(AppConfig):
    """Put it before ``django.contrib.admin`` in INSTALLED_APPS, for its templates to come first."""

    name = "dynamo_admin"
    label = "dynamo_admin"
