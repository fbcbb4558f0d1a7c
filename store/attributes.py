"""Attributes that refuse values of another type. PynamoDB's own pass any value on to DynamoDB."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NoReturn, TypeVar, overload

from pynamodb.attributes import Attribute
from pynamodb.constants import BOOLEAN, LIST, MAP, NUMBER, STRING
from pynamodb.expressions.condition import Contains
from pynamodb.expressions.operand import Path
from pynamodb.expressions.update import RemoveAction, SetAction

_V = TypeVar("_V")
Typed = dict[str, Any]  # DynamoDB's JSON of one value: {"S": "text"}


class WrongType(TypeError):  # noqa: N818
    """A value, given or stored, is not of the type that its attribute declares."""


class Strict(Attribute[_V]):
    """Base of the attributes here: stored under its Python name, without a default.

    With ``null=True`` the attribute may be missing, and reads as None.
    """

    wanted: ClassVar[str]

    def __init__(self, *, hash_key: bool = False, range_key: bool = False, null: bool = False) -> None:
        super().__init__(hash_key=hash_key, range_key=range_key, null=null)

    if not TYPE_CHECKING:

        def __get__(self, instance: Any, owner: Any) -> Any:
            # PynamoDB's looks for map attributes and other names first, at four times the cost.
            return self if instance is None else instance.attribute_values.get(self.attr_name)

    def refuse(self, value: Any) -> NoReturn:
        """Raise WrongType. The value may be private, so only its type is named."""
        raise WrongType(f"{self.attr_name} takes {self.wanted}, not {type(value).__name__}")


class Text(Strict[_V]):
    """A text."""

    attr_type = STRING
    wanted = "text"

    @overload
    def __init__(
        self: "Text[str]", *, hash_key: bool = ..., range_key: bool = ..., null: Literal[False] = ...
    ) -> None: ...
    @overload
    def __init__(self: "Text[str | None]", *, null: Literal[True]) -> None: ...
    def __init__(self, **options: bool) -> None:
        super().__init__(**options)

    def serialize(self, value: Any) -> str:
        """Return the text. Raises WrongType."""
        if type(value) is not str:
            self.refuse(value)
        return value


class Whole(Strict[_V]):
    """A whole number, exact at any size."""

    attr_type = NUMBER
    wanted = "a whole number"

    @overload
    def __init__(self: "Whole[int]", *, null: Literal[False] = ...) -> None: ...
    @overload
    def __init__(self: "Whole[int | None]", *, null: Literal[True]) -> None: ...
    def __init__(self, **options: bool) -> None:
        super().__init__(**options)

    def serialize(self, value: Any) -> str:
        """Return the number as DynamoDB's text. Raises WrongType, also for a bool, which is an int in Python."""
        if type(value) is not int:
            self.refuse(value)
        return str(value)

    def deserialize(self, value: str) -> Any:
        """Return DynamoDB's text as a number. Raises ValueError."""
        return int(value)


class Flag(Strict[_V]):
    """True or false."""

    attr_type = BOOLEAN
    wanted = "true or false"

    @overload
    def __init__(self: "Flag[bool]", *, null: Literal[False] = ...) -> None: ...
    @overload
    def __init__(self: "Flag[bool | None]", *, null: Literal[True]) -> None: ...
    def __init__(self, **options: bool) -> None:
        super().__init__(**options)

    def serialize(self, value: Any) -> bool:
        """Return the value. Raises WrongType."""
        if type(value) is not bool:
            self.refuse(value)
        return value


class Texts(Strict[_V]):
    """A list of texts."""

    attr_type = LIST
    wanted = "a list of texts"

    @overload
    def __init__(self: "Texts[list[str]]", *, null: Literal[False] = ...) -> None: ...
    @overload
    def __init__(self: "Texts[list[str] | None]", *, null: Literal[True]) -> None: ...
    def __init__(self, **options: bool) -> None:
        super().__init__(**options)

    def serialize(self, value: Any) -> list[Typed]:
        """Return the list as DynamoDB's JSON. Raises WrongType."""
        if type(value) is not list or any(type(element) is not str for element in value):
            self.refuse(value)
        return [{STRING: element} for element in value]

    def contains(self, item: str) -> Contains:
        """Return the condition that the list holds the text ``item``. PynamoDB's would want a list."""
        return Path(self).contains({STRING: item})

    def deserialize(self, value: list[Typed]) -> Any:
        """Return the list of texts. Raises KeyError."""
        return [element[STRING] for element in value]


class Records(Strict[_V]):
    """A list of maps, as plain dicts."""

    attr_type = LIST
    wanted = "a list of maps of texts, exact numbers, flags, lists and maps"

    @overload
    def __init__(self: "Records[list[dict[str, Any]]]", *, null: Literal[False] = ...) -> None: ...
    @overload
    def __init__(self: "Records[list[dict[str, Any]] | None]", *, null: Literal[True]) -> None: ...
    def __init__(self, **options: bool) -> None:
        super().__init__(**options)

    def serialize(self, value: Any) -> list[Typed]:
        """Return the list as DynamoDB's JSON. Raises WrongType."""
        if type(value) is not list or any(type(element) is not dict for element in value):
            self.refuse(value)
        try:
            return [typed(element) for element in value]
        except WrongType as error:
            raise WrongType(f"{self.attr_name} takes {self.wanted}, and {error}") from None

    def deserialize(self, value: list[Typed]) -> Any:
        """Return the list of dicts. Raises KeyError."""
        return [_plain_map(element[MAP]) for element in value]


class Record(Strict[_V]):
    """A map, as a plain dict."""

    attr_type = MAP
    wanted = "a map of texts, exact numbers, flags, lists and maps"

    @overload
    def __init__(self: "Record[dict[str, Any]]", *, null: Literal[False] = ...) -> None: ...
    @overload
    def __init__(self: "Record[dict[str, Any] | None]", *, null: Literal[True]) -> None: ...
    def __init__(self, **options: bool) -> None:
        super().__init__(**options)

    def serialize(self, value: Any) -> dict[str, Typed]:
        """Return the map as DynamoDB's JSON. Raises WrongType."""
        if type(value) is not dict:
            self.refuse(value)
        try:
            return _typed_map(value)
        except WrongType as error:
            raise WrongType(f"{self.attr_name} takes {self.wanted}, and {error}") from None

    def deserialize(self, value: dict[str, Typed]) -> Any:
        """Return the dict. Raises KeyError."""
        return _plain_map(value)

    def set(self, value: Any) -> SetAction | RemoveAction:
        """Return the action that stores ``value``.

        PynamoDB takes a map whose one key is called like a type, such as ``{"S": "x"}``, for a serialised value.
        """
        operand: Any = {MAP: self.serialize(value)} if isinstance(value, dict) else value
        return super().set(operand)


def typed(value: Any) -> Typed:
    """Return ``value`` as DynamoDB's JSON. Raises WrongType for what would not come back as it was, such as floats."""
    kind = type(value)
    if kind is str:
        return {"S": value}
    if kind is bool:
        return {"BOOL": value}
    if kind is int or kind is Decimal:
        return {"N": str(value)}
    if kind is dict:
        return {"M": _typed_map(value)}
    if kind is list:
        return {"L": [typed(element) for element in value]}
    if value is None:
        return {"NULL": True}
    raise WrongType(f"a {kind.__name__} cannot be stored")


def _typed_map(value: dict[Any, Any]) -> dict[str, Typed]:
    if any(type(name) is not str for name in value):
        raise WrongType("the keys of a map are texts")
    return {name: typed(element) for name, element in value.items()}


def _plain(value: Typed) -> Any:
    ((kind, content),) = value.items()
    return _PLAIN[kind](content)


def _plain_map(value: dict[str, Typed]) -> dict[str, Any]:
    return {name: _plain(element) for name, element in value.items()}


def _number(text: str) -> int | Decimal:
    return int(text) if text.lstrip("-").isdecimal() else Decimal(text)


_PLAIN: dict[str, Any] = {
    "S": str,
    "N": _number,
    "BOOL": bool,
    "NULL": lambda _: None,
    "L": lambda elements: [_plain(element) for element in elements],
    "M": _plain_map,
}
