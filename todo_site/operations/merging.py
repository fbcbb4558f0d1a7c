"""Merging two accounts: what one has moves to the other in steps, the first is disabled, and then deleted as any user.

A step moves what is left, each task in a transaction of its own. Whatever is interrupted goes on with the next step.
"""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext

from identity import access_tokens, administration, directory, email_addresses, profiles
from identity.administration import Refused
from identity.audited_admin import admin_context
from identity.errors import IdentityError
from identity.items import UserItem
from identity.users import ADMINS
from store.errors import DomainError
from store.writing import write
from tasks import handing_over
from todo_site.operations.person_pages import person_or_list, render

STEP = 100
MERGE = "merge"


def page(model_admin: Any, request: HttpRequest, object_id: str) -> HttpResponse:
    """Ask for the account that stays (``into``), then whether to merge; a POST does a step."""
    obj = person_or_list(model_admin, request, object_id)
    if isinstance(obj, HttpResponse):
        return obj
    if not (
        model_admin.has_change_permission(request, obj) and model_admin.has_delete_permission(request, obj)
    ):
        raise PermissionDenied
    profile, given = obj.as_item(), request.GET.get("into", "").strip()
    heir, problem = None, ""
    try:
        heir = _heir(profile, given, str(request.user.pk)) if given else None
        if heir and request.method == "POST":
            _step(request, profile, heir)
            here = reverse("admin:tasks_user_merge", args=[profile.id])
            return redirect(f"{here}?{urlencode({'into': str(heir.id), 'going': '1'})}")
    except DomainError as error:
        problem = str(error)
    tasks, trashed, is_all = handing_over.left(profile.id)
    begun = "going" in request.GET and bool(profile.disabled_at)
    return render(
        model_admin,
        request,
        "merge",
        title=gettext("Merge %(who)s into another account") % {"who": obj},
        person=obj,
        heir=heir,
        given=given,
        problem=problem,
        tasks=tasks,
        trashed=trashed,
        is_all=is_all,
        tokens=len(access_tokens.list_tokens(profile.id)),
        begun=begun,
        going_on=begun and not problem and _is_left(profile.id),
    )


def _heir(profile: UserItem, given: str, admin_id: str) -> UserItem:
    """Return the profile of an e-mail address or id. Raises Refused if the account cannot take over ``profile``'s."""
    heir = profiles.get_profile((email_addresses.holder_of(given) if "@" in given else given) or given)
    if heir is None:
        raise Refused(gettext("There is no user with this address or id."))
    if heir.id == profile.id:
        raise Refused(gettext("An account cannot be merged into itself."))
    if heir.disabled_at:
        raise Refused(gettext("The account that stays is disabled."))
    if profile.id == admin_id:
        raise Refused(gettext("You cannot disable or delete yourself. Ask another admin."))
    try:
        if ADMINS in directory.groups_of(profile.username):
            raise Refused(gettext("This is an admin's account. Take that role away first."))
    except IdentityError as error:
        raise Refused(str(error)) from error
    return heir


def _is_left(user_id: str) -> bool:
    return next(handing_over.movable(user_id), None) is not None


def _step(request: HttpRequest, profile: UserItem, heir: UserItem) -> None:
    context = admin_context(request, profile.id, MERGE)
    if "going" not in request.GET:  # recorded with both before anything moves
        theirs = admin_context(request, heir.id, MERGE)
        trail: Any = context.trail
        write([*trail(context, profile, profile), *trail(theirs, heir, heir)])
    if not profile.disabled_at:  # which ends what access has not moved
        access_tokens.hand_over(context, heir)
        administration.disable_user(admin_context(request, profile.id, "disable"), profile)
    moved = handing_over.hand_over(context, heir.id, STEP)
    if not _is_left(profile.id):
        messages.success(request, gettext("Everything has moved."))
    elif not moved:
        raise Refused(gettext("Nothing could be moved just now. Go on in a moment."))
