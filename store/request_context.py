"""On whose behalf, by whom, under which request and when something is done."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from store.model import Item
from store.writing import Action


def timestamp(moment: datetime) -> str:
    """Return an aware datetime as ISO 8601 UTC with microseconds and ``Z``; such strings sort as time does."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


class Caller(Protocol):
    """The signed-in person who acts for themselves; a profile can be created from it."""

    @property
    def email(self) -> str: ...
    @property
    def username(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def given_name(self) -> str: ...
    @property
    def family_name(self) -> str: ...
    @property
    def issued_at(self) -> int: ...


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Everything a service may know about its caller.

    Attributes
    ----------
    user_id
        Whose data it is about.
    updated_by
        Who does it: the same person, or an admin.
    request_id
        The request that caused it; stored with every item written.
    now
        The instant it happens (aware). The only clock of the domain.
    caller
        The signed-in person, if they act for themselves: their profile is made along with their first task.
    trail
        Given the context, an item before a write (None if it is new) and after it (None if it goes), the actions
        that record the write, to be done in the same transaction. Admins have one; see ``store.audit``.
    zone
        The person's time zone, as far as the request knows it: a browser's does. See ``identity.today``.
    """

    user_id: str
    updated_by: str
    request_id: str
    now: datetime
    caller: Caller | None = None
    trail: "Callable[[RequestContext, Item | None, Item | None], list[Action]] | None" = None
    zone: ZoneInfo | None = None

    @property
    def timestamp(self) -> str:
        """``now`` as it is stored."""
        return timestamp(self.now)

    def authorship(self, version: int) -> dict[str, Any]:
        """Return the attributes that say who wrote an item's ``version``, when, and for which request."""
        return {
            "updated_at": self.timestamp,
            "version": version,
            "updated_by": self.updated_by,
            "request_id": self.request_id,
        }
