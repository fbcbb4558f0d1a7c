"""The table ``todo-app-data``: its items as PynamoDB models, its keys and its indexes.

Importable without Django. An item's ``attribute_values`` is the whole item as a plain dict, attributes unknown to this
version of the code included, and is what services and selectors work on.
"""

import hashlib
import os
import threading
import zlib
from collections.abc import Mapping
from typing import Any, Self

from botocore.config import Config
from pynamodb.attributes import Attribute, ListAttribute, MapAttribute, UnicodeAttribute
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

STATUSES = ("pending", "in_progress", "completed", "cancelled")
OPEN_STATUSES = ("pending", "in_progress")
PRIORITIES = ("low", "medium", "high", "urgent")

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


# --- Keys ----------------------------------------------------------------------------------------------------


def task_key(user_id: str, task_id: str) -> tuple[str, str]:
    """Return PK and SK of a task."""
    return f"TASK#{user_id}", f"TASK#{task_id}"


def trash_key(user_id: str, task_id: str) -> tuple[str, str]:
    """Return PK and SK of a deleted task."""
    return f"TRASH#{user_id}", f"TASK#{task_id}"


def user_key(user_id: str) -> tuple[str, str]:
    """Return PK and SK of a profile."""
    return f"USER#{user_id}", METADATA


def idempotency_key(user_id: str, key: str) -> tuple[str, str]:
    """Return PK and SK of the record of one ``Idempotency-Key`` of one user."""
    return f"IDEMPOTENCY#{user_id}#{key}", METADATA


def rate_key(principal: str, window: int) -> tuple[str, str]:
    """Return PK and SK of the counter of one principal's requests in the ``window``th minute since 1970."""
    return f"RATE#{principal}#{window}", METADATA


def session_key(session: str) -> tuple[str, str]:
    """Return PK and SK of a browser session: whoever reads the table learns no cookie, only hashes."""
    return f"SESSION#{hashlib.sha256(session.encode()).hexdigest()}", METADATA


def email_key(email: str) -> tuple[str, str]:
    """Return PK and SK of the item that keeps an e-mail address to one person."""
    return f"EMAIL#{email.strip().casefold()}", METADATA


def revocation_key(user_id: str) -> tuple[str, str]:
    """Return PK and SK of the item that ends what a user was signed in with; all are in one small partition."""
    return "REVOCATIONS", f"USER#{user_id}"


def access_token_key(token_id: str) -> tuple[str, str]:
    """Return PK and SK of a personal access token; its id is the SHA-256 of its secret, in hexadecimal."""
    return f"TOKEN#{token_id}", METADATA


def access_token_index_keys(user_id: str, created_at: str, token_id: str) -> dict[str, str]:
    """Return the index keys of an access token: by owner (in a partition that no list of tasks reads), and by age."""
    own = {"GSI1PK": f"TOKENS#{user_id}", "GSI1SK": f"TOKEN#{created_at}#{token_id}"}
    return own | feed_keys("TOKEN", token_id, created_at)


def calendar_feed_key(user_id: str) -> tuple[str, str]:
    """Return PK and SK of a person's calendar feed: one at most, so a new one replaces the old one in one write."""
    return f"CALENDAR#{user_id}", METADATA


def category_prefix(category: str) -> str:
    """Return the part of GSI4SK before the task id; ``#`` is escaped so that "a" never matches "a#b"."""
    return f"CATEGORY#{category.replace('%', '%25').replace('#', '%23')}#"


def feed_keys(entity: str, item_id: str, created_at: str) -> dict[str, str]:
    """Return the GSI5 keys: all items of one ``entity`` (TASK, USER …) by age, over ``FEED_SHARDS`` partitions."""
    shard = zlib.crc32(item_id.encode()) % FEED_SHARDS
    return {"GSI5PK": f"FEED#{entity}#{shard}", "GSI5SK": f"{created_at}#{item_id}"}


def task_index_keys(task: Mapping[str, Any]) -> dict[str, str]:
    """Return every index key of a task: a new task's or an updated one's, always the whole set."""
    owner, task_id, due, category = (
        f"USER#{task['user_id']}",
        task["id"],
        task.get("due_date"),
        task.get("category"),
    )
    keys = feed_keys("TASK", task_id, task["created_at"])
    keys |= {"GSI1PK": owner, "GSI1SK": f"STATUS#{task['status']}#{task_id}"}
    keys |= {"GSI3PK": owner, "GSI3SK": f"PRIORITY#{task['priority']}#{task_id}"}
    if due and task["status"] in OPEN_STATUSES:
        keys |= {"GSI2PK": owner, "GSI2SK": f"DUEDATE#{due}#{task_id}"}
    if category:
        keys |= {"GSI4PK": owner, "GSI4SK": f"{category_prefix(category)}{task_id}"}
    return keys


def trash_index_keys(trashed: Mapping[str, Any]) -> dict[str, str]:
    """Return the index keys of a task in the trash: among all that are, by the time of the deletion."""
    return feed_keys("TRASH", trashed["id"], trashed["deleted_at"])


def index_keys(item: Mapping[str, Any]) -> dict[str, str]:
    """Return the index keys of a stored task (also in the trash) or profile; none for what is in no index."""
    try:
        if item["entity_type"] == "TASK":
            return task_index_keys(item)
        if item["entity_type"] == "TRASH" and "purged_at" not in item:
            return trash_index_keys(item)
        if item["entity_type"] == "USER":
            return feed_keys("USER", item["user_id"], item["created_at"])
    except KeyError:
        return {}
    return {}


# --- Models --------------------------------------------------------------------------------------------------


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


class TaskItem(Authored):
    """A task. Timestamps are ISO 8601 UTC strings with microseconds; ``due_date`` is YYYY-MM-DD."""

    title = UnicodeAttribute()
    description = UnicodeAttribute(null=True)
    status = UnicodeAttribute()
    priority = UnicodeAttribute()
    category = UnicodeAttribute(null=True)
    tags: ListAttribute[Any] = ListAttribute(null=True)
    due_date = UnicodeAttribute(null=True)
    due_time = UnicodeAttribute(null=True)
    timezone = UnicodeAttribute(null=True)
    checklist: ListAttribute[Any] = ListAttribute(null=True)
    recurrence = UnicodeAttribute(null=True)
    next_task_id = UnicodeAttribute(null=True)
    completed_at = UnicodeAttribute(null=True)


class TrashItem(TaskItem):
    """A deleted task, kept for 30 days."""

    deleted_at = UnicodeAttribute()
    deleted_by = UnicodeAttribute()
    purged_at = UnicodeAttribute(null=True)


class UserItem(Authored):
    """A profile; ``id`` and ``user_id`` are the Cognito ``sub``."""

    email = UnicodeAttribute(null=True)
    username = UnicodeAttribute()
    name = UnicodeAttribute()
    given_name = UnicodeAttribute(null=True)
    family_name = UnicodeAttribute(null=True)
    timezone = UnicodeAttribute(null=True)
    disabled_at = UnicodeAttribute(null=True)
    roles: ListAttribute[Any] = ListAttribute(null=True)


class IdempotencyItem(Item):
    """What was answered to one ``Idempotency-Key``, stored in the transaction that did the work."""

    fingerprint = UnicodeAttribute()
    status_code = IntegerAttribute()
    body = UnicodeAttribute()
    headers: MapAttribute[str, Any] = MapAttribute()  # type: ignore[no-untyped-call]
    resource_pk = UnicodeAttribute()
    resource_sk = UnicodeAttribute()
    request_id = UnicodeAttribute()


class SessionItem(Item):
    """A browser session: Django's signed serialisation of it, under the hash of its key."""

    data = UnicodeAttribute()
    user_id = UnicodeAttribute(null=True)


class AuditItem(Item):
    """One thing that an admin did, stored in the transaction that did it."""

    id = UnicodeAttribute()
    action = UnicodeAttribute()
    kind = UnicodeAttribute()
    object_id = UnicodeAttribute()
    object_name = UnicodeAttribute()
    subject_id = UnicodeAttribute()
    actor_id = UnicodeAttribute()
    actor_name = UnicodeAttribute()
    request_id = UnicodeAttribute()
    message = UnicodeAttribute(null=True)
    changes: ListAttribute[Any] = ListAttribute(null=True)


class AccessTokenItem(Item):
    """A personal access token, by the hash of its secret, and who made it; gone from GSI1 once revoked."""

    id = UnicodeAttribute()
    user_id = UnicodeAttribute()
    name = UnicodeAttribute()
    scope = UnicodeAttribute()
    version = IntegerAttribute()
    revoked_at = UnicodeAttribute(null=True)
    request_id = UnicodeAttribute()
    person: MapAttribute[str, Any] = MapAttribute()  # type: ignore[no-untyped-call]


class CalendarFeedItem(Item):
    """A person's calendar feed, by the hash of its secret address."""

    user_id = UnicodeAttribute()
    secret_hash = UnicodeAttribute()
    request_id = UnicodeAttribute()
