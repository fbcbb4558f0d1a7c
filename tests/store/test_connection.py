"""One client, no more than is needed in a request, and answers parsed as botocore does."""

from __future__ import annotations

import json
import threading

import pytest
from botocore.parsers import JSONParser
from botocore.session import Session, get_session

from store import connection
from store.connection import USER_AGENT, ItemParser
from store.model import Item, table, table_definition
from tests.store.items import CounterItem, NoteItem

ITEM = {
    "PK": {"S": "a"},
    "text": {"S": 'Say "B" or \\"BS\\" \u00fc \U0001f600'},
    "whole": {"N": "12345678901234567890123456789012345678"},
    "flag": {"BOOL": False},
    "none": {"NULL": True},
    "list": {"L": [{"S": "x"}, {"M": {"S": {"S": "x"}}}, {"L": []}]},
    "map": {"M": {"B": {"S": "x"}, "inner": {"M": {}}}},
    "set": {"SS": ["a", "b"]},
    "numbers": {"NS": ["1", "2.5"]},
}
PLAIN = {name: value for name, value in ITEM.items() if name not in {"text", "map"}}
BINARY = PLAIN | {"bytes": {"B": "AP8="}}
BINARIES = PLAIN | {"deep": {"M": {"bytes": {"BS": ["AA==", "/w=="]}}}}
ITEMS = {"everything": ITEM, "plain": PLAIN, "binary": BINARY, "binary set": BINARIES, "empty": {}}


def bodies(item):
    """Return answers that hold an item: operation, status, body."""
    return [
        ("GetItem", 200, {"Item": item}),
        ("Query", 200, {"Items": [item, item], "Count": 2, "ScannedCount": 3, "LastEvaluatedKey": item}),
        ("Query", 200, {"Items": [], "Count": 0, "ScannedCount": 0}),
        (
            "BatchGetItem",
            200,
            {"Responses": {"t": [item]}, "UnprocessedKeys": {"t": {"Keys": [item], "ConsistentRead": True}}},
        ),
        ("UpdateItem", 200, {"Attributes": item, "ItemCollectionMetrics": {"SizeEstimateRangeGB": [0.5, 1]}}),
        (
            "PutItem",
            400,
            {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException", "Item": item},
        ),
        (
            "TransactWriteItems",
            400,
            {
                "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "message": "cancelled",
                "CancellationReasons": [{"Code": "None"}, {"Code": "ConditionalCheckFailed", "Item": item}],
            },
        ),
    ]


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_answers_are_parsed_as_botocore_does(item):
    service = get_session().get_service_model("dynamodb")
    for operation, status, body in bodies(item):
        shape = service.operation_model(operation).output_shape
        answer = {
            "status_code": status,
            "headers": {"x-amzn-requestid": "1"},
            "body": json.dumps(body).encode(),
        }
        if status == 400:
            code = body["__type"].partition("#")[2]
            shape = service.shape_for_error_code(code)
            assert ItemParser().parse(dict(answer), service.operation_model(operation).output_shape) == (
                JSONParser().parse(dict(answer), service.operation_model(operation).output_shape)
            )
        assert ItemParser().parse(dict(answer), shape) == JSONParser().parse(dict(answer), shape)


def test_the_connection_parses_with_it():
    factory = table().connection.session.get_component("response_parser_factory")
    assert type(factory.create_parser("json")) is ItemParser
    assert not isinstance(factory.create_parser("rest-json"), ItemParser)


@pytest.fixture
def unconnected(monkeypatch):
    """A process that has not yet connected; afterwards it has its old connection again."""
    monkeypatch.setattr(connection, "_tables", {})
    table.cache_clear()
    yield
    table.cache_clear()


def test_threads_that_start_at_once_make_one_client(monkeypatch, unconnected):
    made = []
    create = Session.create_client

    def slow(self, *arguments, **options):
        made.append(threading.get_ident())
        threading.Event().wait(0.05)
        return create(self, *arguments, **options)

    monkeypatch.setattr(Session, "create_client", slow)
    barrier = threading.Barrier(16)
    seen = set()

    def start():
        barrier.wait()
        models = (Item, NoteItem, CounterItem)
        seen.update(id(model._get_connection().client) for model in models)

    threads = [threading.Thread(target=start) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == len(seen) == 1


def test_the_environment_names_table_and_region(monkeypatch, unconnected):
    monkeypatch.setenv("TABLE_NAME", "another")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert table().table_name == "another"
    assert table().client.meta.region_name == "eu-central-1"
    assert connection.connect(table_definition) is table()


def test_a_request_carries_nothing_that_was_not_asked_for():
    seen = []

    def look(params, **_):
        seen.append((params["headers"]["User-Agent"], json.loads(params["body"])))

    events = table().client.meta.events
    events.register("before-call.dynamodb.Query", look)
    list(Item.query("NOBODY"))
    events.unregister("before-call.dynamodb.Query", look)
    ((agent, body),) = seen
    assert agent == USER_AGENT
    assert "ReturnConsumedCapacity" not in body
