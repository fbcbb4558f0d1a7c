"""The person who sends a request. Their roles are their groups in Cognito; Django stores nothing about people."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from store.text import canonical, shown

MANAGERS, ADMINS, VIEWERS = "managers", "admins", "viewers"
ROLES = (MANAGERS, ADMINS, VIEWERS)


@dataclass(frozen=True, slots=True)
class Person:
    """A signed-in person; ``id`` is the Cognito ``sub``. A Cognito access token has no e-mail address and no names.

    ``issued_at`` is when the token or session that they use was issued (epoch seconds).
    """

    id: str
    email: str
    username: str
    name: str
    groups: frozenset[str] = frozenset()
    given_name: str = ""
    family_name: str = ""
    issued_at: int = field(default=0, compare=False)

    is_authenticated = True
    is_anonymous = False
    is_active = True

    @property
    def pk(self) -> str:
        """The id, under the name that Django uses."""
        return self.id

    @property
    def is_admin(self) -> bool:
        """Whether the person may use the admin."""
        return ADMINS in self.groups

    @property
    def is_manager(self) -> bool:
        """Whether the person may see everybody's insights."""
        return self.is_admin or MANAGERS in self.groups

    @property
    def is_staff(self) -> bool:
        """Whether the person may open the admin; viewers cannot change anything there."""
        return self.is_admin or VIEWERS in self.groups

    def has_perm(self, permission: str, obj: Any = None) -> bool:
        """Whether the person has one of Django's permissions, such as ``tasks.view_task``."""
        return self.is_admin or (VIEWERS in self.groups and permission.partition(".")[2].startswith("view_"))

    def has_module_perms(self, app_label: str) -> bool:
        """Whether the person has any permission in an app."""
        return self.is_staff

    def get_username(self) -> str:
        """The name that Django's admin greets with."""
        return str(self)

    def with_groups(self, groups: frozenset[str]) -> "Person":
        """Return a copy of the person with other groups."""
        return replace(self, groups=groups)

    def __str__(self) -> str:
        return self.name or self.username

    @classmethod
    def from_claims(cls, claims: Mapping[str, Any]) -> "Person":
        """Return the person that the verified claims of a Cognito ID or access token describe."""
        username = str(claims.get("cognito:username") or claims.get("username") or claims["sub"])
        # Accounts can be made without our forms: what their names may not hold is left out.
        name, given, family = (
            canonical(shown(str(claims.get(key) or ""))) for key in ("name", "given_name", "family_name")
        )
        return cls(
            id=str(claims["sub"]),
            email=str(claims.get("email", "")),
            username=username,
            name=name or f"{given} {family}".strip() or str(claims.get("email") or username),
            groups=frozenset(claims.get("cognito:groups", ())),
            given_name=given,
            family_name=family,
            issued_at=int(claims.get("iat", 0)),
        )

    def to_session(self) -> dict[str, Any]:
        """Return the person as JSON-ready values."""
        return asdict(self) | {"groups": sorted(self.groups)}

    @classmethod
    def from_session(cls, stored: Mapping[str, Any]) -> "Person":
        """Return the person that ``to_session`` stored."""
        return cls(**{**stored, "groups": frozenset(stored["groups"])})


@dataclass(frozen=True, slots=True)
class TokenHolder(Person):
    """The owner of a personal access token that came with a request; has no roles."""


@dataclass(frozen=True, slots=True)
class Anonymous:
    """A visitor who has not signed in."""

    id = pk = email = username = name = ""
    groups: frozenset[str] = frozenset()
    is_authenticated = is_active = is_manager = is_admin = is_staff = False
    is_anonymous = True

    def __str__(self) -> str:
        return "Anonymous"
