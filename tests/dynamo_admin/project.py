"""A project of its own, as a stranger to the site would write it: one PynamoDB model, one admin."""

import os

from django.conf import settings

SETTINGS = {
    "SECRET_KEY": "only-for-tests",
    "DEBUG": False,
    "ALLOWED_HOSTS": ["*"],
    "ROOT_URLCONF": "tests.dynamo_admin.urls",
    "USE_TZ": True,
    "STATIC_URL": "/static/",
    "DATABASES": {"default": {"ENGINE": "web.nodb"}},
    "SESSION_ENGINE": "django.contrib.sessions.backends.signed_cookies",
    "MESSAGE_STORAGE": "django.contrib.messages.storage.cookie.CookieStorage",
    "INSTALLED_APPS": [
        "dynamo_admin",
        "django.contrib.admin.apps.SimpleAdminConfig",
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "django.contrib.messages",
    ],
    "MIDDLEWARE": [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "tests.dynamo_admin.library.SomebodyMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ],
    "TEMPLATES": [
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": [
                    "django.template.context_processors.request",
                    "django.contrib.messages.context_processors.messages",
                    "tests.dynamo_admin.library.somebody",
                ]
            },
        }
    ],
}


def configure() -> None:
    """Make this process's Django the project's."""
    import django

    settings.configure(**SETTINGS)
    django.setup()


def create_table() -> str:
    """Create the table in the local AWS; return its name."""
    from tests.dynamo_admin.library import Book

    if not Book.exists():
        Book.create_table(wait=True)
    return os.environ["AWS_ENDPOINT_URL"]
