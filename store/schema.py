"""The table: its keys, its indexes, and the base of every item's model."""

import os
import threading
import zlib
from typing import Any, Self

from botocore.config import Config
from pynamodb.attributes import Attribute, UnicodeAttribute
from pynamodb.connection.table import TableConnection
from pynamodb.constants import NUMBER
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex
from pynamodb.models import Model

from store.codec import RawItem, decode_item, encode_item

TTL_ATTRIBUTE = "expires_at"
METADATA = "METADATA"
FEED_SHARDS = 8
INDEXES = ("GSI1", "GSI2", "GSI3", "GSI4", "GSI5")
INDEX_KEYS = frozenset(f"{index}{part}" for index in INDEXES for part in ("PK", "SK"))
KEYS = frozenset({"PK", "SK"})

# A local index: every item with ``updated_at``, by that, within its own partition. Its reads can be consistent.
CHANGES = "LSI1"
USER_AGENT = "todo-with-insights"
_CONNECTING = threading.RLock()


def table_definition(name: str) -> dict[str, Any]:
    """Return the keyword arguments of boto3's ``create_table`` for the table called ``name``.

    Time to live (on ``TTL_ATTRIBUTE``) and point-in-time recovery are switched on by calls of their own.
    """
    pairs = [("PK", "SK"), *((f"{index}PK", f"{index}SK") for index in INDEXES)]
    return {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            {"AttributeName": key, "AttributeType": "S"}
            for key in (*(key for pair in pairs for key in pair), "updated_at")
        ],
        "KeySchema": _key_schema(*pairs[0]),
        "GlobalSecondaryIndexes": [
            {"IndexName": index, "KeySchema": _key_schema(*pair), "Projection": {"ProjectionType": "ALL"}}
            for index, pair in zip(INDEXES, pairs[1:], strict=True)
        ],
        "LocalSecondaryIndexes": [
            {
                "IndexName": CHANGES,
                "KeySchema": _key_schema("PK", "updated_at"),
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        "SSESpecification": {"Enabled": True},
    }


def _key_schema(hash_key: str, range_key: str) -> list[dict[str, str]]:
    return [
        {"AttributeName": hash_key, "KeyType": "HASH"},
        {"AttributeName": range_key, "KeyType": "RANGE"},
    ]


def feed_keys(entity: str, item_id: str, created_at: str) -> dict[str, str]:
    """Return the GSI5 keys: all items of one ``entity`` (TASK, USER …) by age, over ``FEED_SHARDS`` partitions."""
    shard = zlib.crc32(item_id.encode()) % FEED_SHARDS
    return {"GSI5PK": f"FEED#{entity}#{shard}", "GSI5SK": f"{created_at}#{item_id}"}


class IntegerAttribute(Attribute[int]):
    """A whole number; PynamoDB's own NumberAttribute is typed as a float."""

    attr_type = NUMBER

    def serialize(self, value: Any) -> str:
        """Return the number as DynamoDB's text, for conditions."""
        return str(int(value))

    def deserialize(self, value: str) -> int:
        """Return DynamoDB's text as a number."""
        return int(value)


def _index(name: str) -> type[GlobalSecondaryIndex[Any]]:
    meta = type("Meta", (), {"index_name": name, "projection": AllProjection()})
    keys = {
        f"{name}PK": UnicodeAttribute(hash_key=True),
        f"{name}SK": UnicodeAttribute(range_key=True),
    }
    return type(f"{name}Index", (GlobalSecondaryIndex,), {"Meta": meta, **keys})


class Item(Model):
    """What every item of the table has. One connection serves all models."""

    class Meta:
        table_name = "todo-app-data"
        region: str | None = None
        max_pool_connections = 64
        connect_timeout_seconds = 3
        read_timeout_seconds = 10

    PK = UnicodeAttribute(hash_key=True)
    SK = UnicodeAttribute(range_key=True)
    entity_type = UnicodeAttribute()
    created_at = UnicodeAttribute(null=True)
    expires_at = IntegerAttribute(null=True)

    gsi1 = _index("GSI1")()
    gsi2 = _index("GSI2")()
    gsi3 = _index("GSI3")()
    gsi4 = _index("GSI4")()
    gsi5 = _index("GSI5")()

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """Wrap the plain dict ``values`` as an item, without copying it."""
        item = cls.__new__(cls)
        item.attribute_values = values
        return item

    @classmethod
    def from_raw_data(cls, data: RawItem) -> Self:
        """Make an item of what DynamoDB returned."""
        return cls.of(decode_item(data))

    def serialize(self, null_check: bool = True) -> RawItem:
        """Return the item as DynamoDB stores it."""
        return encode_item(self.attribute_values)

    def deserialize(self, attribute_values: RawItem) -> None:
        """Replace the item's values by what DynamoDB returned."""
        self.attribute_values = decode_item(attribute_values)

    @classmethod
    def _get_connection(cls) -> TableConnection:
        return Item._connection or _connect()


def _connect() -> TableConnection:
    with _CONNECTING:
        Item.Meta.table_name = os.environ.get("TABLE_NAME", Item.Meta.table_name)
        Item.Meta.region = os.environ.get("AWS_DEFAULT_REGION")
        table = super(Item, Item)._get_connection()
        # botocore makes its own name anew for every request, which is a tenth of what a small request costs.
        table.connection.session.set_default_client_config(Config(user_agent=USER_AGENT))
        _ = table.connection.client  # made now, by this thread's session
        return table


class Authored(Item):
    """Items that enter the lake: each says which request of whom wrote it last, and how often it was written."""

    id = UnicodeAttribute()
    user_id = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    version = IntegerAttribute()
    updated_by = UnicodeAttribute()
    request_id = UnicodeAttribute()
