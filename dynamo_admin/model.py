"""DynamoModel, the base of Django models whose rows are PynamoDB items."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.base import ModelBase
from pynamodb.models import Model

from dynamo_admin.fields import PLAIN, Codec, DjangoField, Schema, Words, make
from dynamo_admin.query import DynamoManager
from dynamo_admin.reading import Damaged, SortedCopy, Values, place_key, place_of

KEY = "key"
REASON_LENGTH = 200


class DynamoBase(ModelBase):
    """Adds fields made from the item's attributes. A field declared in the class body replaces the one made here."""

    def __new__(mcs, name: str, bases: tuple[type, ...], attrs: dict[str, Any], **kwargs: Any) -> Any:
        """Create the model class; see DynamoModel."""
        inherited = tuple(base.Meta for base in bases if hasattr(base, "Meta"))
        meta = attrs.setdefault("Meta", type("Meta", inherited, {}))
        item = attrs.get("item")
        if item is None:
            return super().__new__(mcs, name, bases, attrs, **kwargs)
        meta.managed = False
        meta.default_manager_name = meta.base_manager_name = "objects"
        schema, show, words = (_declared(name, attrs, bases) for name in ("schema", "show", "words"))
        made = mcs._fields(item, schema, show, words or Words())
        attrs["codecs"] = {field: codec for field, (_, codec) in made.items()}
        return super().__new__(
            mcs, name, bases, {**{field: f for field, (f, _) in made.items()}, **attrs}, **kwargs
        )

    @staticmethod
    def _fields(
        item: type[Model], schema: Schema | None, show: tuple[str, ...] | None, words: Words
    ) -> dict[str, tuple[DjangoField, Codec]]:
        attributes = item.get_attributes()
        unknown = set(show or ()) - attributes.keys()
        if unknown:
            raise ImproperlyConfigured(f"{item.__name__} has no {', '.join(sorted(unknown))}")
        keys = {item._hash_keyname, item._range_keyname}
        names = show or [name for name in attributes if name not in keys]
        return {name: make(name, attributes[name], schema, words) for name in names}


def _declared(name: str, attrs: dict[str, Any], bases: tuple[type, ...]) -> Any:
    """Return the value of ``name`` in a class body, or else in the first base that has one."""
    return attrs.get(name) or next(filter(None, (getattr(base, name, None) for base in bases)), None)


class DynamoModel(models.Model, metaclass=DynamoBase):
    """A Django model of an item in a DynamoDB table.

    A subclass declares:

    - ``item``: the PynamoDB model; its attributes become the fields.
    - ``reader``: a ``reading.DynamoReader``, or any other ``reading.Reader``.
    - ``show`` (optional): the attributes to include, in order; by default all but the table's keys.
    - ``schema`` (optional): a JSON Schema with lengths, choices and formats of the same fields.
    - ``words`` (optional): names, help texts and named values of the fields, translated.
    - ``sorted_copy`` (optional): a ``reading.SortedCopy``, for orders and totals that would read too much of the table.
    - ``version_field`` (optional): the attribute that counts writes, by which stale forms are recognised.

    ``unreadable`` says why fields of an object could not be read from its item, by name ("" for all of it). Such an
    object has None there; its key, if that is among them, is ``reading.place_key``.
    """

    item: ClassVar[type[Model] | None] = None
    reader: ClassVar[Any]  # a reading.Reader
    schema: ClassVar[Schema | None] = None
    show: ClassVar[tuple[str, ...] | None] = None
    words: ClassVar[Words] = Words()
    sorted_copy: ClassVar[SortedCopy | None] = None
    version_field: ClassVar[str] = "version"
    codecs: ClassVar[dict[str, Codec]] = {}
    stored: Values
    unreadable: Mapping[str, str] = {}

    key = models.CharField(primary_key=True, max_length=1000, editable=False)
    objects = DynamoManager()

    class Meta:
        abstract = True

    @staticmethod
    def folded(text: str) -> str:
        """Return a text as it is compared where case makes no difference."""
        return text.casefold()

    @classmethod
    def from_values(cls, values: Values) -> Self:
        """Return an object made from an item's attributes, which it keeps unchanged in ``stored``."""
        names = [field.attname for field in cls._meta.concrete_fields]
        reasons = {**values.reasons} if isinstance(values, Damaged) else {}
        loaded: dict[str, Any] = {}
        for name in names:
            try:
                loaded[name] = cls.reader.key_of(values) if name == KEY else cls.load(name, values.get(name))
            except Exception as error:  # noqa: BLE001  what is stored can be anything
                loaded[name] = None
                if name != KEY:
                    reasons[name] = str(error)[:REASON_LENGTH] or type(error).__name__
        if loaded[KEY] is None:
            loaded[KEY] = place_key(cls._place(values))
        obj = cls.from_db(DEFAULT_DB_ALIAS, names, [loaded[name] for name in names])
        obj.stored, obj.unreadable = values, reasons
        return obj

    @classmethod
    def _place(cls, values: Values) -> tuple[str, str]:
        if isinstance(values, Damaged):
            return values.place
        return place_of(cls.item, values) if cls.item else ("", "")

    @property
    def place(self) -> tuple[str, str]:
        """The item's hash and range key; blank for rows that are not items of a table."""
        return self._place(self.stored)

    def why_unreadable(self) -> str:
        """Return, for the user, why the item cannot be read; "" if it can."""
        labels = {field.attname: str(field.verbose_name) for field in self._meta.concrete_fields}
        return "; ".join(
            f"{labels.get(name, name)}: {reason}" if name else reason
            for name, reason in self.unreadable.items()
        )

    @classmethod
    def load(cls, name: str, value: Any) -> Any:
        """Convert a stored attribute to its Django value."""
        return cls.codecs.get(name, PLAIN).load(value)

    @classmethod
    def dump(cls, name: str, value: Any) -> Any:
        """Convert a Django value to the attribute to store; None for no attribute."""
        return cls.codecs.get(name, PLAIN).dump(value)

    @property
    def version(self) -> int | None:
        """The number of times the item was written; None if it does not count them."""
        stored: Values = getattr(self, "stored", {})
        return stored.get(self.version_field)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: the model admin's ``create_item`` and ``change_item`` write items."""
        raise ImproperlyConfigured("Write items through the model admin or the domain's services.")

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Refuse: the model admin's ``delete_item`` deletes items."""
        raise ImproperlyConfigured("Delete items through the model admin or the domain's services.")
