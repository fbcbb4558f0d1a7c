"""``/api/v1/tokens``: the caller's personal access tokens; and how the API recognises one."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field
from pydantic_core import to_json

from identity import access_tokens, bearer_secrets, revocations
from identity.access_tokens import NEW_ACCESS_TOKEN, AccessToken
from identity.api import authentication
from identity.api.authentication import Principal
from identity.errors import InvalidAccessToken, InvalidToken
from identity.sign_in import context, person
from identity.users import TokenHolder
from store import validation
from store.idempotency import StoredReply
from web.api import describe, pages, replies, requests
from web.api.error_handlers import RequestProblem
from web.api.schemas import PAGE_QUERY, Problem, out

router = Router(tags=["access tokens"])


_PROBLEMS = dict.fromkeys((400, 409, 413, 415, 422), Problem)
_MOMENT = Field(max_length=27, json_schema_extra={"format": "date-time"})
_ID = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_EXAMPLE: dict[str, Any] = {
    "id": _ID,
    "name": "backup script",
    "scope": "read",
    "created_at": "2026-11-22T17:20:00.123456Z",
    "expires_at": "2026-12-22T17:20:00.000000Z",
}
_ACCESS_ID = {
    "parameters": [
        {
            "name": "access_id",
            "in": "path",
            "required": True,
            "description": "The access token's id, which is not the token",
            "example": _ID,
            "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$", "maxLength": 64},
        }
    ]
}


class AccessTokenOut(Schema):
    """A personal access token. Its secret is shown only once, by the request that made it."""

    model_config = out(_EXAMPLE)
    id: Annotated[str, Field(max_length=64)]
    name: Annotated[str, Field(max_length=access_tokens.NAME_MAX)]
    scope: Literal["read", "write"]
    created_at: Annotated[str, _MOMENT]
    expires_at: Annotated[str, _MOMENT]


class NewAccessTokenOut(AccessTokenOut):
    """A new personal access token. `token` is the secret: keep it now, nobody can show it again."""

    model_config = out({**_EXAMPLE, "token": "todo_…"})
    token: Annotated[str, Field(max_length=64)]


def identify(token: str) -> Principal:
    """Return who a personal access token stands for, and what it allows. Raises InvalidToken."""
    try:
        grant = access_tokens.verify(token)
    except InvalidAccessToken as error:
        raise InvalidToken(str(error)) from None
    holder = TokenHolder(
        id=grant.id,
        email=grant.email,
        username=grant.username,
        name=grant.name,
        given_name=grant.given_name,
        family_name=grant.family_name,
        issued_at=grant.issued_at,
    )
    if revocations.revoked(holder, wait=False):
        raise InvalidToken("The access token was revoked.")
    return Principal(
        holder,
        authentication.EVERYTHING
        if grant.scope == authentication.WRITE
        else frozenset({authentication.READ}),
    )


authentication.IDENTIFIERS[bearer_secrets.PREFIX] = identify


def refuse_token_holders(request: HttpRequest) -> None:
    """Refuse those who did not sign in: what a token could make would outlive it. Raises RequestProblem 403."""
    if isinstance(person(request), TokenHolder):
        detail = "An access token cannot make another secret. Sign in, or send a Cognito token."
        raise RequestProblem(403, "sign-in-required", detail)


@router.post(
    "",
    response={201: NewAccessTokenOut, **_PROBLEMS},
    summary="Create an access token",
    openapi_extra=describe.body(
        NEW_ACCESS_TOKEN,
        {"week": ("For a week", {"name": "backup script", "scope": "read", "expires_in_days": 7})},
    ),
)
def create_access_token(request: HttpRequest) -> HttpResponse:
    """Create a personal access token for scripts. Send it as `Authorization: Bearer`, like a Cognito token.

    The answer shows its secret, once. With an `Idempotency-Key` the same request can be repeated for 24 hours and
    gets the same token and secret. An access token cannot create another one.
    """
    refuse_token_holders(request)
    given = requests.json_object(request)
    once = requests.once(request, given, replies.deleted)
    token, secret = access_tokens.create(
        context(request), **validation.clean(NEW_ACCESS_TOKEN, given), once=once
    )
    reply = _reply(201, _shown(token) | {"token": secret}, Location=f"{request.path}/{token.id}")
    return replies.answer(reply, replayed=token.replayed)


@router.get(
    "",
    response={200: list[AccessTokenOut], 304: None, 422: Problem},
    summary="List my access tokens",
    openapi_extra=describe.query(PAGE_QUERY) | {describe.HEADERS: ("Link",)},
)
def list_access_tokens(request: HttpRequest) -> HttpResponse:
    """List your access tokens that have not expired, the newest first; without their secrets. At most 50."""
    user_id = context(request).user_id
    return pages.respond(
        request,
        f"tokens\0{user_id}",
        access_tokens.list_tokens(user_id),
        lambda token: f"{token.created_at}#{token.id}",
        _shown,
    )


@router.get(
    "/{access_id}",
    response={200: AccessTokenOut, 404: Problem},
    summary="Get an access token",
    openapi_extra=_ACCESS_ID,
)
def get_access_token(request: HttpRequest, access_id: str) -> HttpResponse:
    """Get one of your access tokens, without its secret."""
    return replies.answer(_reply(200, _shown(access_tokens.get(context(request).user_id, access_id))))


@router.delete(
    "/{access_id}",
    response={204: None, **dict.fromkeys((400, 404, 409, 422), Problem)},
    summary="Revoke an access token",
    openapi_extra=_ACCESS_ID,
)
def revoke_access_token(request: HttpRequest, access_id: str) -> HttpResponse:
    """Revoke an access token: it stops working within five seconds."""
    once = requests.once(request, None, replies.deleted)
    replayed = access_tokens.revoke(context(request), access_id, once=once)
    return replies.answer(StoredReply(204, ""), replayed=replayed)


def _shown(token: AccessToken) -> dict[str, Any]:
    return {name: value for name, value in asdict(token).items() if name != "replayed"}


def _reply(status: int, content: Any, **headers: str) -> StoredReply:
    return StoredReply(status, to_json(content).decode(), headers)
