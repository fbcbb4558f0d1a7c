"""Django fields made from PynamoDB attributes, so that a field is declared once.

The attribute gives name, type and whether it is optional. A JSON Schema of the same fields, if the domain has one, adds
lengths, choices and formats. The model declares only the rest, such as labels.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.db import models
from django.utils.translation import gettext, gettext_lazy
from pynamodb.attributes import Attribute
from pynamodb.constants import BOOLEAN, LIST, MAP, NUMBER, STRING, STRING_SET

LONG_TEXT = 255
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Schema = Mapping[str, Any]
DjangoField = Any  # models.Field is generic for type checkers only


@dataclass(frozen=True, slots=True)
class Words:
    """What people read of fields: their names, help texts, and what their values are called, by field and value.

    Texts may be lazy translations. A field whose values are named offers those as choices.
    """

    labels: Mapping[str, Any] = field(default_factory=dict)
    helps: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Codec:
    """Converts between stored and Django values. ``dump`` returns None to leave the attribute out."""

    load: Callable[[Any], Any]
    dump: Callable[[Any], Any]


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _shown_anywhere(moment: datetime) -> datetime:
    """Return a moment that every time zone can show and that compares with others. Raises ValueError."""
    if moment.tzinfo is None:
        raise ValueError("it has no time zone")
    if not MINYEAR < moment.year < MAXYEAR:
        raise ValueError("no clock shows it")
    return moment


PLAIN = Codec(lambda value: value, lambda value: value)
TEXT = Codec(lambda value: "" if value is None else value, lambda value: value or None)
DATE = Codec(
    lambda value: date.fromisoformat(value) if value else None,
    lambda value: value.isoformat() if value else None,
)
ISO = Codec(
    lambda value: _shown_anywhere(datetime.fromisoformat(value)) if value else None,
    lambda value: _stamp(value) if value else None,
)
EPOCH = Codec(
    lambda value: None if value is None else _shown_anywhere(_EPOCH + timedelta(seconds=float(value))),
    lambda value: None if value is None else int(value.timestamp()),
)
JSON = Codec(lambda value: value, lambda value: value or None)
LINES = Codec(lambda value: list(value or ()), lambda value: value or None)


def _one_of(values: Sequence[str]) -> Codec:
    """Return the codec of a text that is one of ``values``."""

    def load(value: Any) -> Any:
        if value is not None and value not in values:
            raise ValueError(gettext("“%(value)s” is none of its values") % {"value": value})
        return TEXT.load(value)

    return Codec(load, TEXT.dump)


class LinesFormField(forms.CharField):
    """A list of short texts, one per line."""

    widget = forms.Textarea

    def __init__(self, **kwargs: Any) -> None:
        kwargs.pop("encoder", None)
        kwargs.pop("decoder", None)
        kwargs.setdefault("help_text", gettext_lazy("One a line."))
        super().__init__(**kwargs)
        self.widget.attrs.setdefault("rows", 4)

    def prepare_value(self, value: Any) -> Any:
        """Return a list as lines; leave submitted text unchanged."""
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        """Return the lines that are not blank."""
        lines = value if isinstance(value, list) else str(value or "").splitlines()
        return [line.strip() for line in lines if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether the lines differ."""
        return bool(self.to_python(initial) != self.to_python(data))


class LinesField(models.JSONField):
    """A list of texts."""

    def formfield(self, **kwargs: Any) -> Any:
        """Return the form field that edits the list as lines."""
        kwargs.pop("form_class", None)
        kwargs.pop("widget", None)
        return models.Field.formfield(self, form_class=LinesFormField, **kwargs)


class DocumentField(models.JSONField):
    """A list or map of anything, as JSON."""

    def formfield(self, **kwargs: Any) -> Any:
        """Return Django's JSON form field, indented and without escaping Unicode."""
        return super().formfield(**{"encoder": _Readable, **kwargs})

    def value_to_string(self, obj: Any) -> str:
        """Return the value as JSON text."""
        return json.dumps(self.value_from_object(obj), ensure_ascii=False, default=str)


class _Readable(json.JSONEncoder):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "ensure_ascii": False, "indent": 2})


def field_schema(schema: Schema | None, name: str) -> dict[str, Any]:
    """Return a property's JSON Schema, references resolved and without the alternative "null"; {} if it has none."""
    if not schema or name not in schema.get("properties", {}):
        return {}
    found = schema["properties"][name]
    for alternative in found.get("anyOf", ()):
        if alternative.get("type") != "null":
            found = {**found, **alternative}
    if "$ref" in found:
        found = {**found, **schema["$defs"][found["$ref"].rsplit("/", 1)[-1]]}
    return dict(found)


def make(
    name: str, attribute: Attribute[Any], schema: Schema | None, words: Words
) -> tuple[DjangoField, Codec]:
    """Return the Django field and the codec for a PynamoDB attribute.

    By convention a text named ``…_at`` is an ISO 8601 time, and a number named ``…_at`` is in epoch seconds.
    """
    known = field_schema(schema, name)
    optional = bool(attribute.null)
    label = words.labels.get(name, name.replace("_", " "))
    common: dict[str, Any] = {"blank": optional, "verbose_name": label}
    if name in words.helps:
        common["help_text"] = words.helps[name]
    if values := words.values.get(name):
        known["choices"] = [(value, values.get(value, value)) for value in known.get("enum", values)]
    made = _MAKERS.get(attribute.attr_type)
    if made is None:
        raise TypeError(f"{name}: attributes of type {attribute.attr_type} have no form yet")
    return made(name, known, {**common, "null": optional})


def _text(name: str, known: Schema, common: dict[str, Any]) -> tuple[DjangoField, Codec]:
    if name.endswith("_at"):
        return models.DateTimeField(**common), ISO
    if known.get("format") == "date":
        return models.DateField(**common), DATE
    common["null"] = False  # an absent text is "" in Django
    if known.get("enum"):
        plain = [(value, value.replace("_", " ").capitalize()) for value in known["enum"]]
        return models.CharField(choices=known.get("choices", plain), max_length=100, **common), _one_of(
            known["enum"]
        )
    if known.get("choices"):
        return models.CharField(choices=known["choices"], max_length=100, **common), TEXT
    longest = known.get("maxLength")
    if longest is None or longest > LONG_TEXT:
        if longest:
            return models.TextField(max_length=longest, **common), TEXT
        return models.CharField(max_length=2000, **common), TEXT
    return models.CharField(max_length=longest, **common), TEXT


def _number(name: str, known: Schema, common: dict[str, Any]) -> tuple[DjangoField, Codec]:
    if name.endswith("_at"):
        return models.DateTimeField(**common), EPOCH
    return models.BigIntegerField(**common), PLAIN


def _lines(name: str, known: Schema, common: dict[str, Any]) -> tuple[DjangoField, Codec]:
    return LinesField(**common), LINES


def _list(name: str, known: Schema, common: dict[str, Any]) -> tuple[DjangoField, Codec]:
    if known.get("items", {}).get("type") == "string":
        return _lines(name, known, common)
    return _document(name, known, common)


def _document(name: str, known: Schema, common: dict[str, Any]) -> tuple[DjangoField, Codec]:
    return DocumentField(**common), JSON


_MAKERS: dict[str, Callable[..., tuple[DjangoField, Codec]]] = {
    STRING: _text,
    NUMBER: _number,
    BOOLEAN: lambda name, known, common: (models.BooleanField(**common), PLAIN),
    STRING_SET: _lines,
    LIST: _list,
    MAP: _document,
}
