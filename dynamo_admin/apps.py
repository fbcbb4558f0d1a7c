"""The Django app, which brings templates that extend the admin's."""

from django.apps import AppConfig


class DynamoAdminConfig(AppConfig):
    """List it before ``django.contrib.admin`` in INSTALLED_APPS, so that its templates take precedence."""

    name = "dynamo_admin"
    label = "dynamo_admin"
