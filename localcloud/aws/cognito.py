"""Cognito sign-up and aliases as on AWS.

Holes closed: ConfirmSignUp does not verify the e-mail address, so nobody can sign in with the address they signed up
with; two users may hold the same address as an alias; `UsernameConfiguration.CaseSensitive = False` is ignored; an
attribute that must be verified before it changes changes at once, and `VerifyUserAttribute` is unknown; the keys that
sign tokens are left to the operating system's cache.
"""

import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ministack.services import cognito

from localcloud.aws.protocol import Response, error_response
from localcloud.files import keep

Pool = dict[str, Any]
User = dict[str, Any]
VERIFIABLE = ("email", "phone_number")
CODE_SECONDS = 24 * 3600  # that the code for an attribute lives


def install() -> None:
    """Patch the Cognito module."""
    resolve: Callable[..., Any] = cognito._resolve_user

    def resolve_any_case(pool: Pool, username: str) -> Any:
        user, error = resolve(pool, username)
        if error is not None and username and not _case_sensitive(pool):
            folded = next(
                (found for name, found in _names(pool) if name.casefold() == username.casefold()), None
            )
            return (folded, None) if folded is not None else (None, error)
        return user, error

    cognito._resolve_user = resolve_any_case
    cognito._admin_create_user = _new_user(cognito._admin_create_user, admin=True)
    cognito._sign_up = _new_user(cognito._sign_up, admin=False)
    cognito._confirm_sign_up = _confirming(cognito._confirm_sign_up)
    cognito._update_user_attributes = _verifying_first(cognito._update_user_attributes)
    cognito._UNSIGNED_IDP_ACTIONS.add("VerifyUserAttribute")
    cognito._dispatch_idp = _with_verify_user_attribute(cognito._dispatch_idp)
    keep(Path(cognito._RSA_KEY_PATH))
    cognito._persist_or_load_rsa_key_best_effort = _keeping(cognito._persist_or_load_rsa_key_best_effort)


def _keeping(persist: Callable[..., Any]) -> Callable[..., Any]:
    def persist_and_keep(key: Any, path: str) -> Any:
        kept = persist(key, path)
        keep(Path(path))
        return kept

    return persist_and_keep


def _case_sensitive(pool: Pool) -> bool:
    return bool((pool.get("UsernameConfiguration") or {}).get("CaseSensitive", True))


def _names(pool: Pool) -> Iterator[tuple[str, User]]:
    """Yield every name that a user may sign in with."""
    for username, user in pool["_users"].items():
        yield username, user
        attributes = _attributes(user)
        for alias in (*(pool.get("AliasAttributes") or ()), *(pool.get("UsernameAttributes") or ())):
            if _verified(attributes, alias) or alias in (pool.get("UsernameAttributes") or []):
                yield attributes.get(alias, ""), user


def _attributes(user: User) -> dict[str, str]:
    attributes: dict[str, str] = cognito._attr_list_to_dict(user.get("Attributes", []))
    return attributes


def _verified(attributes: dict[str, str], alias: str) -> bool:
    return alias not in VERIFIABLE or str(attributes.get(f"{alias}_verified", "")).lower() == "true"


def _holder(pool: Pool, attributes: dict[str, str], but: str = "") -> User | None:
    """Return another user who signs in with one of these verified addresses."""
    wanted = {attributes.get(alias, "").casefold() for alias in pool.get("AliasAttributes") or []} - {""}
    found = (user for name, user in _names(pool) if name.casefold() in wanted and user["Username"] != but)
    return next(found, None)


def _new_user(create: Callable[..., Response], *, admin: bool) -> Callable[..., Response]:
    def create_once(data: dict[str, Any]) -> Response:
        pool = cognito._user_pools.get(data.get("UserPoolId")) if admin else _pool_of_client(data)
        if pool is None or str(data.get("MessageAction", "")).upper() == "RESEND":
            return create(data)
        username = str(data.get("Username") or "")
        folded = {name.casefold() for name in pool["_users"]}
        if not _case_sensitive(pool) and username.casefold() in folded:
            return error_response("UsernameExistsException", "User account already exists.", 400)
        attributes = cognito._attr_list_to_dict(data.get("UserAttributes", []))
        given = [alias for alias in VERIFIABLE if admin and alias in attributes]
        claims = {alias: attributes[alias] for alias in given if _verified(attributes, alias)}
        if claims and not data.get("ForceAliasCreation") and _holder(pool, claims) is not None:
            return _alias_exists()
        return create(data)

    return create_once


def _pool_of_client(data: dict[str, Any]) -> Pool | None:
    pool: Pool | None = cognito._pool_for_client(data.get("ClientId"))[0]
    return pool


def _alias_exists() -> Response:
    return error_response("AliasExistsException", "An account with the email already exists.", 400)


def _confirming(confirm: Callable[..., Response]) -> Callable[..., Response]:
    def confirm_and_verify(data: dict[str, Any]) -> Response:
        pool = _pool_of_client(data)
        user = cognito._resolve_user(pool, data.get("Username"))[0] if pool is not None else None
        if pool is None or user is None:
            return confirm(data)
        attributes = _attributes(user)
        if not data.get("ForceAliasCreation") and _holder(pool, attributes, but=user["Username"]) is not None:
            return _alias_exists()
        response = confirm(data)
        if response[0] == 200:
            delivered = [name for name in pool.get("AutoVerifiedAttributes") or () if name in attributes]
            verified = {f"{name}_verified": "true" for name in delivered}
            user["Attributes"] = cognito._dict_to_attr_list({**attributes, **verified})
        return response

    return confirm_and_verify


def _verifying_first(update: Callable[..., Response]) -> Callable[..., Response]:
    def update_or_send_codes(data: dict[str, Any]) -> Response:
        user, pool = cognito._user_pool_for_access_token(data.get("AccessToken", ""))
        settings = (pool or {}).get("UserAttributeUpdateSettings") or {}
        first = set(settings.get("AttributesRequireVerificationBeforeUpdate") or ())
        given = cognito._attr_list_to_dict(data.get("UserAttributes", []))
        waiting = {name: value for name, value in given.items() if name in first}
        if user is None or not waiting:
            return update(data)
        rest = cognito._dict_to_attr_list({name: given[name] for name in given.keys() - waiting})
        response = update({**data, "UserAttributes": rest})
        if response[0] != 200:
            return response
        for name, value in waiting.items():
            code = f"{secrets.randbelow(10**6):06}"
            user.setdefault("_waiting", {})[name] = [value, code, time.time() + CODE_SECONDS]
            cognito._send_verification_email(pool, user["Username"], {"email": value}, code, name)
        sent = [
            {"Destination": value, "DeliveryMedium": "EMAIL", "AttributeName": name}
            for name, value in waiting.items()
        ]
        return cognito.json_response({"CodeDeliveryDetailsList": sent})  # type: ignore[no-any-return]

    return update_or_send_codes


def _with_verify_user_attribute(dispatch: Callable[..., Any]) -> Callable[..., Any]:
    async def dispatch_or_verify(action: str, data: dict[str, Any]) -> Any:
        if action == "VerifyUserAttribute":
            return cognito._run_idp_handler(_verify_user_attribute, action, data)
        return await dispatch(action, data)

    return dispatch_or_verify


def _verify_user_attribute(data: dict[str, Any]) -> Response:
    """Give a user the value that a code was sent to. Nobody else may sign in with it by then."""
    user, pool = cognito._user_pool_for_access_token(data.get("AccessToken", ""))
    if user is None:
        return error_response("NotAuthorizedException", "Invalid access token.", 400)
    name = str(data.get("AttributeName"))
    value, code, until = user.get("_waiting", {}).get(name) or ("", "", 0)
    if not code or not secrets.compare_digest(str(data.get("Code")).encode(), code.encode()):
        return error_response(
            "CodeMismatchException", "Invalid verification code provided, please try again.", 400
        )
    if until < time.time():
        return error_response(
            "ExpiredCodeException", "Invalid code provided, please request a code again.", 400
        )
    if _holder(pool, {name: value}, but=user["Username"]) is not None:
        return _alias_exists()
    del user["_waiting"][name]
    changed = {**_attributes(user), name: value, f"{name}_verified": "true"}
    user["Attributes"] = cognito._dict_to_attr_list(changed)
    return cognito.json_response({})  # type: ignore[no-any-return]
