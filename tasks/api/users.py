"""``/api/v1/users``: the caller's own profile. Nobody sees another person's."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router

from tasks import fields, profiles, selectors
from tasks.api import render, requests, schemas
from tasks.api.schemas import Problem, UserOut
from tasks.errors import FieldError, ProfileNotFound, ValidationFailed
from tasks.items import UserItem
from todo_site.identity import services as identity
from todo_site.identity.services import context

router = Router(tags=["users"])
_PROBLEMS = dict.fromkeys((400, 401, 409, 413, 415, 422), Problem)


@router.post(
    "",
    response={200: UserOut, 201: UserOut, **_PROBLEMS},
    summary="Create my profile",
    openapi_extra=schemas.body(fields.PROFILE_CHANGES),
)
def create_user(request: HttpRequest) -> HttpResponse:
    """Create your profile from your token and the body (201).

    If it is there already, change what the body gives (200).
    """
    changes = _changes(request)
    profile, created = _ensure(request, changes)
    if created:
        return render.user(profile, 201)
    return render.user(profiles.update_profile(context(request), changes))


@router.get("", response={200: UserOut, 401: Problem}, summary="Get my profile")
def get_own_user(request: HttpRequest) -> HttpResponse:
    """Get your profile. It is created when you are seen for the first time."""
    return render.user(_own(request))


@router.put(
    "",
    response={200: UserOut, **_PROBLEMS},
    summary="Change my profile",
    openapi_extra=schemas.body(fields.PROFILE_CHANGES),
)
def update_user(request: HttpRequest) -> HttpResponse:
    """Change the fields given and leave the others. E-mail address and username belong to your sign-in."""
    changes = _changes(request)
    try:
        return render.user(profiles.update_profile(context(request), changes))
    except ProfileNotFound:
        return render.user(_ensure(request, changes)[0])


@router.get("/{user_id}", response={200: UserOut, 401: Problem, 404: Problem}, summary="Get a profile")
def get_user(request: HttpRequest, user_id: str) -> HttpResponse:
    """Get your own profile by its id; any other id is not found."""
    if user_id != context(request).user_id:
        raise ProfileNotFound
    return render.user(_own(request))


def _own(request: HttpRequest) -> UserItem:
    return selectors.get_profile(identity.person(request).id) or _ensure(request, {})[0]


def _ensure(request: HttpRequest, given: dict[str, Any]) -> tuple[UserItem, bool]:
    known = profiles.described(identity.person(request))
    return profiles.ensure_profile(context(request), known | given)


def _changes(request: HttpRequest) -> dict[str, Any]:
    """Return the body, validated; what the token says of e-mail address and username cannot be contradicted."""
    changes = fields.clean(fields.PROFILE_CHANGES, requests.json_object(request))
    caller = identity.person(request)
    for name in ("email", "username"):
        known, given = getattr(caller, name), changes.get(name)
        if given and known and given.casefold() != known.casefold():
            message = f"It is {known} at sign-in and cannot be changed here."
            raise ValidationFailed([FieldError(field=name, message=message, code="immutable")])
        if known:
            changes.pop(name, None)
    return changes
