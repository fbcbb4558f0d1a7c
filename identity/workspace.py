"""The settings of the workspace and its announcements: one item, which admins edit.

Every page shows some of it, so each process caches it (``clock_guard``) and reads it again beside the requests. What is
not set, and what cannot be read, is as ``settings`` has it; only signing up waits for what is set.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_supported_language_variant
from django.utils.translation import gettext_lazy as _
from django.utils.translation.trans_real import parse_accept_lang_header

from identity import profiles
from identity.clock_guard import ClockGuard
from identity.errors import IdentityError, IdentityUnavailable
from identity.items import WorkspaceItem, folded_address, workspace_key
from identity.users import Anonymous, Person
from store.commit import Change, Plan, commit
from store.errors import VersionConflict
from store.reading import get, query
from store.request_context import RequestContext
from store.writing import put_new, update

IDLE_SECONDS = 30
EVERYBODY, DOMAINS, NOBODY = "everybody", "domains", "nobody"
SIGN_UP = (EVERYBODY, DOMAINS, NOBODY)
PEOPLE, MANAGERS, STAFF = "people", "managers", "staff"
AUDIENCES = (EVERYBODY, PEOPLE, MANAGERS, STAFF)
LEVELS = ("info", "warning", "danger")
FIRST_DAYS = (0, 5, 6)  # Monday, Saturday, Sunday, as datetime counts them
MOST_ANNOUNCEMENTS = 5
DISMISSED = "dismissed"  # the cookie with the ids of what a browser is not to show again
_log = logging.getLogger(__name__)


class SignUpClosed(IdentityError):  # noqa: N818
    """The workspace takes nobody with this address, unless an admin invites them."""

    status = 403
    kind = "sign-up-closed"
    message = _("You cannot sign up here with this address. Ask an administrator to invite you.")


@dataclass(frozen=True, slots=True)
class Announcement:
    """A text above every page, for an ``audience``, between two moments (ISO 8601, blank: no bound)."""

    id: str
    text: str
    url: str = ""
    link_text: str = ""
    level: str = "info"
    audience: str = EVERYBODY
    since: str = ""
    until: str = ""
    dismissible: bool = True

    def is_for(self, person: Person | Anonymous) -> bool:
        """Whether somebody is in the audience."""
        return {
            EVERYBODY: True,
            PEOPLE: person.is_authenticated,
            MANAGERS: person.is_manager,
            STAFF: person.is_staff,
        }.get(self.audience, False)

    def is_on(self, now: datetime) -> bool:
        """Whether it is shown at a moment."""
        return (not self.since or datetime.fromisoformat(self.since) <= now) and (
            not self.until or now < datetime.fromisoformat(self.until)
        )


@dataclass(frozen=True, slots=True)
class Workspace:
    """What is set; blank where nothing is. ``is_known``: it was read."""

    name: str = ""
    languages: tuple[str, ...] = ()
    language: str = ""
    timezone: str = ""
    first_day: int = 0
    sign_up: str = EVERYBODY
    domains: tuple[str, ...] = ()
    contact: str = ""
    announcements: tuple[Announcement, ...] = ()
    version: int = 0
    is_known: bool = field(default=True, compare=False)

    @property
    def offered(self) -> list[tuple[str, str]]:
        """The languages on offer, as of ``settings.LANGUAGES``; all of them if none is chosen."""
        chosen = [(code, name) for code, name in settings.LANGUAGES if code in self.languages]
        return chosen or list(settings.LANGUAGES)

    def admits(self, email: str) -> bool:
        """Whether somebody with this address may sign up."""
        domain = folded_address(email).rpartition("@")[2]
        return self.sign_up == EVERYBODY or (self.sign_up == DOMAINS and domain in self.domains)

    def shown_to(self, person: Person | Anonymous, now: datetime, dismissed: str = "") -> list[Announcement]:
        """Return the announcements for somebody at a moment, without those they have ``dismissed`` (ids)."""
        gone = set(dismissed.split("."))
        return [
            one
            for one in self.announcements
            if one.is_on(now) and one.is_for(person) and not (one.dismissible and one.id in gone)
        ]


def _of(item: WorkspaceItem | None) -> Workspace:
    if item is None:
        return Workspace()
    return Workspace(
        name=item.name or "",
        languages=tuple(item.languages or ()),
        language=item.language or "",
        timezone=item.timezone or "",
        first_day=item.first_day or 0,
        sign_up=item.sign_up or EVERYBODY,
        domains=tuple(item.domains or ()),
        contact=item.contact or "",
        announcements=tuple(Announcement(**values) for values in item.announcements or ()),
        version=item.version,
    )


def _read(_key: str, last: Workspace | None) -> Workspace:
    """Return the settings, or the last ones (at first, the defaults) if they cannot be read: pages go on."""
    try:
        found = query(WorkspaceItem, workspace_key()[0], impatient=True).items
    except (BotoCoreError, ClientError):
        _log.warning("the settings of the workspace cannot be read", exc_info=True)
        return last or Workspace(is_known=False)
    return _of(found[0] if found else None)


cached = ClockGuard("workspace", _read, lambda: settings.WORKSPACE_SECONDS, IDLE_SECONDS)


def current() -> Workspace:
    """Return the settings as this process knows them, ``settings.WORKSPACE_SECONDS`` old at most.

    Nothing is raised: no page depends on them.
    """
    try:
        return cached.get()
    except IdentityError:
        return cached.peek() or Workspace(is_known=False)


def check_sign_up(email: str) -> None:
    """Raise SignUpClosed if nobody with this address may sign up, IdentityUnavailable if that cannot be read."""
    found = current()
    if not found.is_known:
        cached.forget()
        found = current()
        if not found.is_known:
            raise IdentityUnavailable
    if not found.admits(email):
        raise SignUpClosed


def check_admitted(person: Person) -> None:
    """Raise SignUpClosed for a person without a profile whom ``check_sign_up`` would refuse.

    Cognito lets anybody sign up who calls it past our pages. One GetItem, only if sign-up is limited, for a person
    whom this process has not seen yet.
    """
    if person.id in profiles.known:
        return
    try:
        check_sign_up(person.email)
    except SignUpClosed:
        if profiles.get_profile(person.id) is None:
            raise
        profiles.known.put(person.id, None)


def language_of(request: HttpRequest) -> str:
    """Return the language of a page: chosen in this browser, else the workspace's, else one the browser asks for."""
    here = current()
    offered = dict(here.offered)
    if (chosen := request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME)) in offered:
        return str(chosen)
    if here.language in offered:
        return here.language
    for code, _weight in parse_accept_lang_header(request.headers.get("accept-language", "")):
        try:
            found = get_supported_language_variant(code)
        except LookupError:
            continue
        if found in offered:
            return found
    return settings.LANGUAGE_CODE if settings.LANGUAGE_CODE in offered else next(iter(offered))


# --- Editing -------------------------------------------------------------------------------------------------


def stored() -> Workspace:
    """Return the settings as they are stored now. One GetItem."""
    return _of(get(WorkspaceItem, workspace_key()))


def change(ctx: RequestContext, changes: Mapping[str, Any], *, if_version: int) -> Workspace:
    """Change settings (None or an empty list unsets one) that are at ``if_version``; 0: nothing is set yet.

    Two requests to DynamoDB. Raises VersionConflict.
    """
    pk, sk = key = workspace_key()
    values = {name: value if value not in ("", [], None) else None for name, value in changes.items()}

    def plan(item: WorkspaceItem | None) -> Plan[Workspace]:
        version = item.version if item else 0
        if version != if_version:
            raise VersionConflict(version)
        old = item or WorkspaceItem(PK=pk, SK=sk)
        new = old.changed(**values, version=version + 1, updated_at=ctx.timestamp)
        # Recorded as a change from the start: nobody made the workspace.
        return Plan(_of(new), [update(item, new) if item else put_new(new)], [Change(old, new)])

    done = commit(ctx, plan, keys=[key]).result
    cached.forget()
    return done


def announce(
    ctx: RequestContext, announcement: Announcement, *, instead_of: str = "", if_version: int
) -> Workspace:
    """Store an announcement, in the place of the one with the id ``instead_of``. Raises VersionConflict."""
    others = [one for one in stored().announcements if one.id != instead_of]
    return _announce(ctx, [*others, announcement], if_version)


def withdraw(ctx: RequestContext, announcement_id: str, *, if_version: int) -> Workspace:
    """Remove an announcement. Raises VersionConflict."""
    return _announce(ctx, [one for one in stored().announcements if one.id != announcement_id], if_version)


def _announce(ctx: RequestContext, announcements: list[Announcement], if_version: int) -> Workspace:
    # Read just before: if that is another version than the caller has seen, nothing is stored.
    values = [{name: getattr(one, name) for name in Announcement.__slots__} for one in announcements]
    return change(ctx, {"announcements": values[-MOST_ANNOUNCEMENTS:]}, if_version=if_version)


def now() -> datetime:
    """Return the moment for which announcements are chosen."""
    return datetime.now(UTC)
