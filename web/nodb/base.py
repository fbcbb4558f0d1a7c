"""Supports ``atomic()`` and ``on_commit()``, which Django and its admin call; any SQL fails with the reason."""

from typing import Any, NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.db.backends.dummy import base as dummy
from django.db.backends.dummy.features import DummyDatabaseFeatures


def _nothing(*args: Any, **kwargs: Any) -> None:
    """There is no connection to open, commit or roll back."""


def _no_sql(*args: Any, **kwargs: Any) -> NoReturn:
    raise ImproperlyConfigured("This project has no relational database: a query fell through to SQL.")


class DatabaseFeatures(DummyDatabaseFeatures):
    """Makes ``django.test.TestCase`` enter atomic() instead of flushing tables."""

    supports_transactions = True


class DatabaseOperations(dummy.DatabaseOperations):
    """Fails when SQL is built: that begins with quoting a name."""

    quote_name = _no_sql


class DatabaseWrapper(dummy.DatabaseWrapper):
    """The backend for ``settings.DATABASES["default"]``."""

    vendor = "nodb"
    display_name = "no relational database"
    features_class = DatabaseFeatures
    ops_class = DatabaseOperations
    ensure_connection = _commit = _rollback = _set_autocommit = _nothing
    _cursor = _no_sql

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.autocommit = True  # a real backend sets it in connect(); without it on_commit() hooks never run
