"""The process's one connection to DynamoDB: PynamoDB's, with one client, a fixed User-Agent and a quick parser."""

import os
import threading
from collections.abc import Callable
from functools import cache
from typing import Any

from botocore import xform_name
from botocore.config import Config
from botocore.model import Shape
from botocore.parsers import JSONParser, ResponseParser, ResponseParserFactory
from botocore.session import Session, get_session
from pynamodb.connection import Connection, TableConnection
from pynamodb.connection.base import MetaTable

DEFAULT_TABLE = "todo-app-data"
USER_AGENT = "todo-with-insights"
READ_TIMEOUT_SECONDS = 10
_CONNECTING = threading.Lock()
_tables: "dict[bool, Table]" = {}


class ItemParser(JSONParser):
    """Parses answers as botocore does, but returns attribute maps as the JSON has them.

    botocore returns ``{"title": {"S": "text"}}`` for itself too, but tries each of the ten types on every value, which
    is most of the cost of a Query. Only binary values differ (JSON has base64 text, botocore returns bytes), so a body
    that may hold one is left to botocore.

    It relies on two things: botocore makes a parser for each answer, and parses maps in ``_handle_map``, a private
    method. Tests compare both parsers on many bodies.
    """

    _binary = False

    def parse(self, response: Any, shape: Any) -> Any:
        """Return the parsed answer; parameters as of botocore's ``ResponseParser.parse``."""
        self._binary = b'"B"' in response["body"] or b'"BS"' in response["body"]
        return super().parse(response, shape)

    def _handle_map(self, shape: Shape, value: Any) -> Any:
        if not self._binary and shape.value.name == "AttributeValue":  # type: ignore[attr-defined]
            return value
        return super()._handle_map(shape, value)  # type: ignore[misc]


class ItemParserFactory(ResponseParserFactory):
    """Makes an ItemParser for DynamoDB's protocol."""

    def create_parser(self, protocol_name: str) -> ResponseParser:
        """Return a parser of ``protocol_name``."""
        return ItemParser() if protocol_name == "json" else super().create_parser(protocol_name)


@cache
def _session() -> Session:
    session = get_session()
    # botocore composes a User-Agent for every request, which is a tenth of the cost of a small one.
    session.set_default_client_config(Config(user_agent=USER_AGENT))
    session.register_component("response_parser_factory", ItemParserFactory())
    return session


class StoreConnection(Connection):
    """PynamoDB's connection, on one session for all threads.

    ``impatient``: short timeouts and no retries, for reads that can be repeated later instead of waited for.
    """

    def __init__(self, *, impatient: bool = False) -> None:
        super().__init__(
            region=os.environ.get("AWS_DEFAULT_REGION"),
            connect_timeout_seconds=1 if impatient else 3,
            read_timeout_seconds=2 if impatient else READ_TIMEOUT_SECONDS,
            max_retry_attempts=0 if impatient else None,
            max_pool_connections=64,
        )

    @property
    def session(self) -> Session:
        """The botocore session, which has read the service's description for every client of the process."""
        return _session()

    def dispatch(self, operation_name: str, operation_kwargs: dict[str, Any]) -> Any:
        """Send one request: ``operation_name`` as AWS spells it, its parameters as of botocore.

        PynamoDB's own asks for consumed capacity, makes a UUID and sends two signals for each, and drops the blocking
        item from an error. Raises botocore's ClientError and BotoCoreError.
        """
        return getattr(self.client, xform_name(operation_name))(**operation_kwargs)


class Table(TableConnection):
    """The table. ``table_name`` is its name, ``connection`` the way to it."""

    def __init__(self, definition: dict[str, Any], *, impatient: bool = False) -> None:
        # Not PynamoDB's constructor: it would make a Connection of its own.
        self.table_name = definition["TableName"]
        self.connection: StoreConnection = StoreConnection(impatient=impatient)
        self.connection.add_meta_table(MetaTable(definition))

    @property
    def client(self) -> Any:
        """The process's one botocore client of DynamoDB."""
        return self.connection.client


def connect(define: Callable[[str], dict[str, Any]], *, impatient: bool = False) -> Table:
    """Return the process's one Table (or its impatient one), made at the first call.

    The environment names it (``TABLE_NAME``) and its region (``AWS_DEFAULT_REGION``); ``define`` returns its definition
    by name, in the shape of CreateTable.
    """
    with _CONNECTING:
        if impatient not in _tables:
            table = Table(define(os.environ.get("TABLE_NAME", DEFAULT_TABLE)), impatient=impatient)
            _ = table.client  # making a client is not thread-safe, using one is
            _tables[impatient] = table
    return _tables[impatient]
