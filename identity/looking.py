"""Looking at the site as another person: an admin sees what that person sees, and can change nothing.

The session keeps who looks and as whom. ``LookingMiddleware`` refuses everything else than reading, at one place for
pages and API, and what holds secrets. Begin and end are on the audit trail; it ends by itself after ``SECONDS``, when
the admin signs out, and when they are no admin any more.
"""

import time
from dataclasses import replace
from datetime import UTC, datetime

from django.http import HttpRequest
from django.utils.translation import gettext as _

from identity import directory, profiles, roles
from identity.administration import Refused
from identity.errors import IdentityError
from identity.items import UserItem
from identity.users import ADMINS, Person
from store.audit import Trail
from store.request_context import RequestContext
from store.writing import write

KEY = "looking"
SECONDS = 30 * 60
BEGIN, END = "look as", "stop looking as"
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
# Where secrets are, and what only the person themselves decides; and the admin, of which the person may see a part.
HIDDEN = ("/account/", "/admin/", "/api/v1/tokens", "/api/v1/calendar", "/api/v1/exports", "/api/v1/imports")


def begin(request: HttpRequest, ctx: RequestContext, profile: UserItem) -> None:
    """Let the signed-in admin look at the site as the owner of a profile. ``ctx`` records it.

    Raises Refused for other admins, and for oneself.
    """
    from identity.sign_in import SESSION_KEY

    admin = request.session[SESSION_KEY]
    try:
        groups = directory.groups_of(profile.username)
    except IdentityError as error:
        raise Refused(str(error)) from error
    if ADMINS in groups or profile.id == admin["id"]:
        raise Refused(_("Nobody looks as an admin."))
    seen = Person(
        id=profile.id,
        email=profile.email or "",
        username=profile.username,
        name=profile.name,
        groups=groups,
        given_name=profile.given_name or "",
        family_name=profile.family_name or "",
    )
    write(ctx.trail(ctx, profile, profile) if ctx.trail else [])
    request.session[KEY] = {
        "person": seen.to_session(),
        "until": int(time.time()) + SECONDS,
        **{name: request.session.get(name, "") for name in profiles.IN_SESSIONS},
    }
    for name in profiles.IN_SESSIONS:
        request.session[name] = getattr(profile, name) or ""
    request.session.pop("weekly_goal", None)


def seen_by(request: HttpRequest, admin: Person) -> Person:
    """Return the person as whom ``admin`` looks; ``admin`` if they do not, or if that has come to its end."""
    looking = request.session.get(KEY)
    if not looking:
        return admin
    if looking["until"] < time.time() or not roles.current(admin).is_admin:
        end(request, admin)
        return admin
    request.looked_by = admin  # type: ignore[attr-defined]
    return Person.from_session(looking["person"])


def end(request: HttpRequest, admin: Person) -> None:
    """End it, on the record."""
    looking = request.session.pop(KEY, None)
    if not looking:
        return
    for name in profiles.IN_SESSIONS:
        request.session[name] = looking.get(name, "")
    request.session.pop("weekly_goal", None)
    seen = UserItem(PK=f"USER#{looking['person']['id']}", name=looking["person"]["name"])
    ctx = RequestContext(
        user_id=looking["person"]["id"],
        updated_by=admin.id,
        request_id=getattr(request, "request_id", ""),
        now=datetime.now(UTC),
    )
    trail = Trail(actor=admin.email or str(admin), action=END)
    write(trail(replace(ctx, trail=trail), seen, seen))


def refused(request: HttpRequest) -> str:
    """Return why a request of somebody who looks as another person is not answered; blank if it is."""
    path = request.path_info
    if request.method not in SAFE:
        return _("You look as somebody else, so nothing can be changed. End it first.")
    if path.startswith(HIDDEN):
        return _("You look as somebody else: this is hidden, since it shows or makes secrets. End it first.")
    return ""
