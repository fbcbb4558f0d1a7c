"""``/api/v1/users/me``: the caller's own profile. Nobody sees another person's.

``/api/v1/users`` was its address before, and is deprecated.
"""

from functools import partial
from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from ninja.decorators import decorate_view

from identity import profiles
from identity import sign_in as identity
from identity.api import render
from identity.api.schemas import PROFILE_EXAMPLES, USER_ID, UserOut
from identity.errors import ProfileNotFound
from identity.fields import PROFILE_CHANGES
from identity.items import folded_address
from identity.profiles import Saved
from identity.sign_in import context
from store import validation
from store.errors import FieldError, ValidationFailed
from store.idempotency import StoredReply
from web.api import describe, replies, requests
from web.api.deprecation import deprecated
from web.api.schemas import Problem

router = Router(tags=["users"])
_PROBLEMS = dict.fromkeys((400, 404, 409, 412, 413, 415, 422), Problem)
_CHANGES = describe.changes(PROFILE_CHANGES, PROFILE_EXAMPLES, UserOut)
_replaced = decorate_view(deprecated("2026-12-01", "/api/v1/users/me"))


@router.get("/me", response={200: UserOut, 304: None}, summary="Get my profile")
def get_me(request: HttpRequest) -> HttpResponse:
    """Get your profile. It is created when you are seen for the first time."""
    return _own(request)


@router.patch(
    "/me", response={200: UserOut, **_PROBLEMS}, summary="Change my profile", openapi_extra=_CHANGES
)
def patch_me(request: HttpRequest) -> HttpResponse:
    """Change the fields given and leave the others. E-mail address and username belong to your sign-in.

    A body may be the whole profile as it was read: what cannot be changed must then be as it is.
    """
    return _save(request, new=False)


@router.post(
    "",
    response={200: UserOut, 201: UserOut, **_PROBLEMS},
    summary="Create my profile",
    openapi_extra=describe.body(PROFILE_CHANGES, PROFILE_EXAMPLES),
    deprecated=True,
)
@_replaced
def create_user(request: HttpRequest) -> HttpResponse:
    """Create your profile from your token and the body (201).

    If it is there already, change what the body gives (200). Use `PATCH /api/v1/users/me` instead: it does both.
    """
    return _save(request, new=True)


@router.get("", response={200: UserOut, 304: None}, summary="Get my profile (old address)", deprecated=True)
@_replaced
def get_own_user(request: HttpRequest) -> HttpResponse:
    """Get your profile, as `GET /api/v1/users/me` does."""
    return _own(request)


@router.put(
    "",
    response={200: UserOut, **_PROBLEMS},
    summary="Change my profile (PUT)",
    openapi_extra=_CHANGES,
    deprecated=True,
)
@_replaced
def update_user(request: HttpRequest) -> HttpResponse:
    """Change the fields given and leave the others, as `PATCH /api/v1/users/me` does."""
    return _save(request, new=False)


@router.get(
    "/{user_id}",
    response={200: UserOut, 304: None, 404: Problem},
    summary="Get a profile",
    openapi_extra=USER_ID,
)
def get_user(request: HttpRequest, user_id: str) -> HttpResponse:
    """Get your own profile by its id; any other id is not found."""
    if user_id != context(request).user_id:
        raise ProfileNotFound
    return _own(request)


def _own(request: HttpRequest) -> HttpResponse:
    ctx = context(request)
    found = profiles.get_profile(ctx.user_id)
    if found is None:
        found, _ = profiles.ensure_profile(ctx, profiles.described(identity.person(request)))
    return render.user(request, found)


def _save(request: HttpRequest, *, new: bool) -> HttpResponse:
    body = requests.json_object(request)
    given, echoed = requests.split(body)
    reply = partial(_saved, new=new)
    if_version = requests.preconditions(request)
    saved = profiles.save_profile(
        context(request),
        _changes(request, given),
        initial=profiles.described(identity.person(request)),
        read=[None] if new and if_version is None else None,
        if_version=if_version,
        echoed=echoed,
        once=requests.once(request, body, reply),
    )
    return replies.answer(saved.reply or reply(saved), replayed=saved.replayed)


def _saved(saved: Saved, *, new: bool) -> StoredReply:
    return render.saved_user(saved.profile, 201 if new and saved.created else 200)


def _changes(request: HttpRequest, given: dict[str, Any]) -> dict[str, Any]:
    """Return the body, validated; what the token says of e-mail address and username cannot be contradicted."""
    changes = validation.clean(PROFILE_CHANGES, given)
    caller = identity.person(request)
    for name in ("email", "username"):
        known, wanted = getattr(caller, name), changes.get(name)
        if wanted and known and folded_address(wanted) != folded_address(known):
            message = f"It is {known} at sign-in and cannot be changed here."
            raise ValidationFailed([FieldError(field=name, message=message, code="immutable")])
        if known:
            changes.pop(name, None)
    return changes
