"""The person behind a request. Cognito's groups are the roles; nothing about people is kept by Django."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

MANAGERS, ADMINS = "managers", "admins"


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in person; ``id`` is the Cognito ``sub``. An access token says nothing of e-mail and names."""

    id: str
    email: str
    username: str
    name: str
    groups: frozenset[str] = frozenset()
    given_name: str = ""
    family_name: str = ""

    is_authenticated = True
    is_anonymous = False
    is_active = True

    @property
    def pk(self) -> str:
        """The id, as Django's own machinery calls it."""
        return self.id

    @property
    def is_admin(self) -> bool:
        """Whether the person may use the admin."""
        return ADMINS in self.groups

    @property
    def is_manager(self) -> bool:
        """Whether the person may see everybody's insights."""
        return self.is_admin or MANAGERS in self.groups

    def __str__(self) -> str:
        return self.name or self.username

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> "Person":
        """Make a person of the verified claims of a Cognito ID or access token."""
        username = str(claims.get("cognito:username") or claims.get("username") or claims["sub"])
        given, family = str(claims.get("given_name", "")), str(claims.get("family_name", ""))
        return cls(
            id=str(claims["sub"]),
            email=str(claims.get("email", "")),
            username=username,
            name=str(claims.get("name") or f"{given} {family}".strip() or claims.get("email") or username),
            groups=frozenset(claims.get("cognito:groups", ())),
            given_name=given,
            family_name=family,
        )

    def to_session(self) -> dict[str, Any]:
        """Return the person as JSON-ready values."""
        return asdict(self) | {"groups": sorted(self.groups)}

    @classmethod
    def from_session(cls, stored: Mapping[str, Any]) -> "Person":
        """Make a person of what ``to_session`` returned."""
        return cls(**{**stored, "groups": frozenset(stored["groups"])})


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody has signed in."""

    id = pk = email = username = name = ""
    groups: frozenset[str] = frozenset()
    is_authenticated = is_active = is_manager = is_admin = False
    is_anonymous = True

    def __str__(self) -> str:
        return "Anonymous"
