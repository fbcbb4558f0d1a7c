"""The table's layout, and the base of the models of its items, which each domain declares beside its services."""

import zlib
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar, Self, TypeVar

from pynamodb.attributes import Attribute
from pynamodb.exceptions import AttributeNullError
from pynamodb.indexes import AllProjection, GlobalSecondaryIndex, Index, LocalSecondaryIndex
from pynamodb.models import Model

from store.attributes import Text, Typed, Whole, WrongType
from store.connection import DEFAULT_TABLE, Table, connect

Key = tuple[str, str]  # PK and SK
RawItem = dict[str, Typed]

METADATA = "METADATA"
TTL_ATTRIBUTE = "expires_at"
KEYS = frozenset({"PK", "SK"})
INDEXES = ("GSI1", "GSI2", "GSI3", "GSI4", "GSI5")
INDEX_KEYS = frozenset(f"{index}{part}" for index in INDEXES for part in ("PK", "SK"))
# A local index: every item with ``updated_at``, by that, within its own partition. Its reads can be consistent.
CHANGES = "LSI1"
FEED_SHARDS = 8


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
    """Return the GSI5 keys: all items of one ``entity`` (TASK, USER ...) by age, over ``FEED_SHARDS`` partitions."""
    shard = zlib.crc32(item_id.encode()) % FEED_SHARDS
    return {"GSI5PK": f"FEED#{entity}#{shard}", "GSI5SK": f"{created_at}#{item_id}"}


def owner_keys(user_id: str, sort_key: str) -> dict[str, str]:
    """Return the GSI2 keys of an item that is neither in a partition of its owner's nor in another index by owner."""
    return {"GSI2PK": f"OWNER#{user_id}", "GSI2SK": sort_key}


@cache
def table(*, impatient: bool = False) -> Table:
    """Return the table, over the process's one connection; ``impatient``: over one that gives up soon."""
    return connect(table_definition, impatient=impatient)


def _index(base: type[Index[Any]], name: str, hash_key: str, range_key: str) -> Any:
    meta = type("Meta", (), {"index_name": name, "projection": AllProjection()})
    keys = {hash_key: Text(hash_key=True), range_key: Text(range_key=True)}
    return type(name, (base,), {"Meta": meta, **keys})()


class Item(Model):
    """An item of the table. A subclass with an ``ENTITY_TYPE`` is what items of that type are read as.

    ``attribute_values`` is the plain dict of what is set, by attribute name.

    Attributes
    ----------
    unknown
        Attributes that the class does not declare, as they are stored. They survive puts, updates and copies.
    """

    class Meta:
        table_name = DEFAULT_TABLE

    ENTITY_TYPE: ClassVar[str] = ""
    TYPES: ClassVar[dict[str, type["Item"]]] = {}

    PK = Text(hash_key=True)
    SK = Text(range_key=True)
    entity_type = Text()
    GSI1PK = Text(null=True)
    GSI1SK = Text(null=True)
    GSI2PK = Text(null=True)
    GSI2SK = Text(null=True)
    GSI3PK = Text(null=True)
    GSI3SK = Text(null=True)
    GSI4PK = Text(null=True)
    GSI4SK = Text(null=True)
    GSI5PK = Text(null=True)
    GSI5SK = Text(null=True)

    gsi1 = _index(GlobalSecondaryIndex, "GSI1", "GSI1PK", "GSI1SK")
    gsi2 = _index(GlobalSecondaryIndex, "GSI2", "GSI2PK", "GSI2SK")
    gsi3 = _index(GlobalSecondaryIndex, "GSI3", "GSI3PK", "GSI3SK")
    gsi4 = _index(GlobalSecondaryIndex, "GSI4", "GSI4PK", "GSI4SK")
    gsi5 = _index(GlobalSecondaryIndex, "GSI5", "GSI5PK", "GSI5SK")
    lsi1 = _index(LocalSecondaryIndex, CHANGES, "PK", "updated_at")

    unknown: Mapping[str, Typed] = {}  # replaced, never changed

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if entity_type := cls.__dict__.get("ENTITY_TYPE"):
            if entity_type in Item.TYPES:
                raise TypeError(
                    f"{cls.__name__} and {Item.TYPES[entity_type].__name__} are both {entity_type}"
                )
            Item.TYPES[entity_type] = cls

    def __init__(self, **values: Any) -> None:
        """Make an item of ``values`` by attribute name; None is not set. Raises ValueError for other names.

        Types are checked when the item is written.
        """
        if wrong := values.keys() - self.get_attributes().keys():
            raise ValueError(f"{type(self).__name__} has no {', '.join(sorted(wrong))}")
        given = {name: value for name, value in values.items() if value is not None}
        self.attribute_values = {"entity_type": self.ENTITY_TYPE, **given} if self.ENTITY_TYPE else given

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Item)
            and type(self) is type(other)
            and self.attribute_values == other.attribute_values
            and self.unknown == other.unknown
        )

    __hash__ = None  # type: ignore[assignment]  # an item can be changed

    @property
    def key(self) -> Key:
        """PK and SK."""
        return self.PK, self.SK

    @property
    def audit_kind(self) -> str:
        """The audit trail's name for this kind of item."""
        return self.entity_type.lower()

    @property
    def audit_id(self) -> str:
        """The id under which the audit trail knows the item."""
        return self.PK.partition("#")[2]

    def index_keys(self) -> dict[str, str]:
        """Return the keys of GSI1 to GSI5 that follow from the other attributes."""
        return {}

    def changed(self, **values: Any) -> Self:
        """Return a copy with ``values`` set, and without those that are None. Unknown attributes are kept."""
        return self.copied_as(type(self), **values)

    def copied_as(self, model: type["AnyItem"], **values: Any) -> "AnyItem":
        """Return a copy as a ``model``, with ``values`` set, and without those that are None.

        Unknown attributes are kept. Raises ValueError if something is set that ``model`` does not declare.
        """
        kind = {"entity_type": model.ENTITY_TYPE} if model.ENTITY_TYPE else {}
        merged = self.attribute_values | kind | values
        item = model(**{name: value for name, value in merged.items() if value is not None})
        item.unknown = self.unknown
        return item

    # --- To and from DynamoDB's JSON ------------------------------------------------------------------------

    def serialize(self, null_check: bool = True) -> RawItem:
        """Return the item as DynamoDB stores it.

        Raises WrongType, and AttributeNullError if a required attribute is missing (unless ``null_check`` is off).
        """
        stored, attributes = dict(self.unknown), self.get_attributes()
        try:
            for name, value in self.attribute_values.items():
                if value is not None:
                    attribute = attributes[name]
                    stored[name] = {attribute.attr_type: attribute.serialize(value)}
        except WrongType as error:
            raise WrongType(f"{type(self).__name__}.{error}") from None
        if null_check and (missing := _required(type(self)) - stored.keys()):
            raise AttributeNullError(f"{type(self).__name__}.{', '.join(sorted(missing))}")
        return stored

    def stored(self, name: str) -> Typed:
        """Return the attribute ``name`` as DynamoDB stores it. Raises WrongType, and KeyError if it is not set."""
        attribute = self.get_attributes()[name]
        try:
            return {attribute.attr_type: attribute.serialize(self.attribute_values[name])}
        except WrongType as error:
            raise WrongType(f"{type(self).__name__}.{error}") from None

    def deserialize(self, attribute_values: RawItem) -> None:
        """Replace the values by what DynamoDB returned. Raises WrongType for a value of another type."""
        known, unknown = _readers(type(self)), {}
        values: dict[str, Any] = {}
        for name, value in attribute_values.items():
            if name not in known:
                unknown[name] = value
                continue
            kind, read = known[name]
            try:
                values[name] = read(value[kind]) if read else value[kind]
            except (KeyError, ValueError, TypeError, AttributeError):
                if "NULL" not in value:
                    wanted = getattr(self.get_attributes()[name], "wanted", kind)
                    message = f"{type(self).__name__}.{name} takes {wanted}, and another type is stored"
                    raise WrongType(message) from None
        self.attribute_values = values
        self.unknown = unknown

    @classmethod
    def _instantiate(cls, attribute_values: RawItem) -> Self:
        """Return an instance of the stored item's class: all of PynamoDB's reads come here."""
        stored = attribute_values.get("entity_type", {}).get("S", cls.ENTITY_TYPE)
        model = Item.TYPES.get(stored, cls)
        if not issubclass(model, cls) or (model is cls and cls.ENTITY_TYPE not in {"", stored}):
            raise WrongType(f"{stored} is stored where {cls.__name__} was expected")
        item = model.__new__(model)
        item.deserialize(attribute_values)
        return item

    @classmethod
    def _get_connection(cls) -> Table:
        return table()


AnyItem = TypeVar("AnyItem", bound=Item)


class KeysAtLeast(Item):
    """Reads items of any class. One that its class cannot read becomes a ``KeysAtLeast``: enough to delete it."""

    @classmethod
    def _instantiate(cls, attribute_values: RawItem) -> Self:
        try:
            return Item.from_raw_data(attribute_values)  # type: ignore[return-value]  # of any class
        except WrongType:
            kind = attribute_values.get("entity_type", {}).get("S")
            return cls(PK=attribute_values["PK"]["S"], SK=attribute_values["SK"]["S"], entity_type=kind)


class Authored(Item):
    """Items that say which request of whom wrote them last and when, and how often they were written."""

    updated_at = Text()
    version = Whole()
    updated_by = Text()
    request_id = Text()


@cache
def _readers(model: type[Item]) -> dict[str, tuple[str, Callable[[Any], Any] | None]]:
    """Return by attribute the type it is stored as, and how to read it; None if the value is as JSON has it."""
    return {
        name: (
            attribute.attr_type,
            None if type(attribute).deserialize is Attribute.deserialize else attribute.deserialize,
        )
        for name, attribute in model.get_attributes().items()
    }


@cache
def _required(model: type[Item]) -> frozenset[str]:
    return frozenset(name for name, attribute in model.get_attributes().items() if not attribute.null)
