"""The base of models that are PynamoDB items: fields made of the item's attributes, rows read through a reader."""

from typing import Any, ClassVar, Self

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.base import ModelBase
from pynamodb.models import Model

from dynamo_admin.fields import PLAIN, Codec, DjangoField, Schema, make
from dynamo_admin.query import DynamoManager
from dynamo_admin.reading import Values

KEY = "key"


class DynamoBase(ModelBase):
    """Adds the fields. A class body may declare a field itself: what it says wins, the codec stays the attribute's."""

    def __new__(mcs, name: str, bases: tuple[type, ...], attrs: dict[str, Any], **kwargs: Any) -> Any:
        """Make a model class; see DynamoModel."""
        inherited = tuple(base.Meta for base in bases if hasattr(base, "Meta"))
        meta = attrs.setdefault("Meta", type("Meta", inherited, {}))
        item = attrs.get("item")
        if item is None:
            return super().__new__(mcs, name, bases, attrs, **kwargs)
        meta.managed = False
        meta.default_manager_name = meta.base_manager_name = "objects"
        schema, show = (_declared(name, attrs, bases) for name in ("schema", "show"))
        made = mcs._fields(item, schema, show)
        attrs["codecs"] = {field: codec for field, (_, codec) in made.items()}
        return super().__new__(
            mcs, name, bases, {**{field: f for field, (f, _) in made.items()}, **attrs}, **kwargs
        )

    @staticmethod
    def _fields(
        item: type[Model], schema: Schema | None, show: tuple[str, ...] | None
    ) -> dict[str, tuple[DjangoField, Codec]]:
        attributes = item.get_attributes()
        unknown = set(show or ()) - attributes.keys()
        if unknown:
            raise ImproperlyConfigured(f"{item.__name__} has no {', '.join(sorted(unknown))}")
        keys = {item._hash_keyname, item._range_keyname}
        names = show or [name for name in attributes if name not in keys]
        return {name: make(name, attributes[name], schema) for name in names}


def _declared(name: str, attrs: dict[str, Any], bases: tuple[type, ...]) -> Any:
    """Return what a class body says of ``name``, or else what its bases say."""
    return attrs.get(name) or next(filter(None, (getattr(base, name, None) for base in bases)), None)


class DynamoModel(models.Model, metaclass=DynamoBase):
    """An item of a DynamoDB table, as the admin sees it.

    A subclass says:

    - ``item``: the PynamoDB model; its attributes become the fields.
    - ``reader``: where rows come from (``reading.DynamoReader``, or anything with the same methods).
    - ``show`` (optional): which attributes to have, and in which order; all but the table's keys by default.
    - ``schema`` (optional): a JSON Schema with lengths, choices and formats of the same fields.
    - ``version_field`` (optional): the attribute that counts writes; forms left open are then refused.
    """

    item: ClassVar[type[Model] | None] = None
    reader: ClassVar[Any]  # a reading.Reader
    schema: ClassVar[Schema | None] = None
    show: ClassVar[tuple[str, ...] | None] = None
    version_field: ClassVar[str] = "version"
    codecs: ClassVar[dict[str, Codec]] = {}
    stored: Values

    key = models.CharField(primary_key=True, max_length=1000, editable=False)
    objects = DynamoManager()

    class Meta:
        abstract = True

    @classmethod
    def from_values(cls, values: Values) -> Self:
        """Return the object of an item's attributes; ``stored`` keeps them as they are in the table."""
        names = [field.attname for field in cls._meta.concrete_fields]
        key = cls.reader.key_of(values)
        loaded = [key if name == KEY else cls.load(name, values.get(name)) for name in names]
        obj = cls.from_db(DEFAULT_DB_ALIAS, names, loaded)
        obj.stored = values
        return obj

    @classmethod
    def load(cls, name: str, value: Any) -> Any:
        """Return the Django value of a stored attribute."""
        return cls.codecs.get(name, PLAIN).load(value)

    @classmethod
    def dump(cls, name: str, value: Any) -> Any:
        """Return what to store for a Django value; None for nothing."""
        return cls.codecs.get(name, PLAIN).dump(value)

    @property
    def version(self) -> int | None:
        """How often the item was written, if it counts that."""
        stored: Values = getattr(self, "stored", {})
        return stored.get(self.version_field)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: items are written by the model admin's ``create_item`` and ``change_item``."""
        raise ImproperlyConfigured(
            "Items are written through the model admin, or by the domain's own services."
        )

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: items are deleted by the model admin's ``delete_item``."""
        raise ImproperlyConfigured(
            "Items are deleted through the model admin, or by the domain's own services."
        )
