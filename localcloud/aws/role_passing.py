"""Whoever gives a role to a service needs `iam:PassRole` for it.

Hole closed: ministack lets everybody who may create a function, a job or a state machine name any role for it, and so
act with more than they were granted. Here every role in a request is decided on for the caller, and every role in a
stack for the role that CloudFormation acts in, or else for whoever changes the stack. There is no list of operations: a
role is what a member that is named like one says.
"""

import functools
import json
import re
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from ministack import app as ministack_app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.responses import get_account_id
from ministack.services import iam
from ministack.services.cloudformation import provisioners

from localcloud.aws.decisions import AccessDenied, principal_must
from localcloud.aws.model_limits import MODELS, decoded
from localcloud.aws.protocol import Handler, Response

# Roles are given to these by ministack's name of them; the others do not act in one that a request names.
SERVICES = (
    *(
        "apigateway",
        "cloudformation",
        "cognito-idp",
        "events",
        "firehose",
        "glue",
        "lambda",
        "logs",
        "states",
    ),
)
ACTION = "iam:PassRole"
_NAMED = re.compile(r"(.*Role|.*RoleArn|credentials)", re.IGNORECASE)
_GATEWAY_SETTINGS = ("/restapis/", "/account")
_ROLE = re.compile(r"arn:aws:iam::\d{12}:role/.+")
# CloudFormation's resource types name a service in other letters than its principal.
_PRINCIPALS = {"stepfunctions": "states", "kinesisfirehose": "firehose", "cognito": "cognito-idp"}
_stack_role: ContextVar[str] = ContextVar("stack_role", default="")
_stack_roles: dict[
    str, str
] = {}  # of a change set until it is carried out, and of later changes that name none


def install() -> None:
    """Ask before each request and each resource of a stack that names a role."""
    for service in SERVICES:
        ministack_app.SERVICE_HANDLERS[service] = _deciding(service, ministack_app.SERVICE_HANDLERS[service])
    for kind, handler in provisioners._RESOURCE_HANDLERS.items():
        _, service, *_ = kind.lower().split("::")
        if kind.startswith("AWS::") and service not in ("iam", "cloudformation"):
            provisioners._RESOURCE_HANDLERS[kind] = {
                **handler,
                **_checked(handler, _PRINCIPALS.get(service, service)),
            }


def _deciding(service: str, handle: Handler) -> Handler:
    async def handle_if_allowed(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Response:
        name, sent = _asked(service, method, path, headers, body, query)
        caller = iam_evaluator.caller_arn()
        for role in dict.fromkeys(roles_in(sent)):
            try:
                pass_role(caller, role, service)
            except AccessDenied as denied:
                refused: Response = iam_actions.access_denied_response(
                    service, ACTION, caller, "", headers=headers, resource_arn=role, message=f"User: {denied}"
                )
                return refused
        if service != "cloudformation":
            return await handle(method, path, headers, body, query)
        token = _stack_role.set(_role_of_stack(name, sent))
        try:
            return await handle(method, path, headers, body, query)
        finally:
            _stack_role.reset(token)

    return handle_if_allowed


def _asked(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the operation and its input; of API Gateway, which has no model here, what was sent."""
    if service in MODELS:
        return decoded(MODELS[service], method, path, headers, body, query) or ("", {})
    try:
        sent = json.loads(body) if path.startswith(_GATEWAY_SETTINGS) else {}
    except ValueError:  # the service says so
        return "", {}
    changes = sent.get("patchOperations", []) if isinstance(sent, dict) else []
    return "", {"sent": sent, **{each.get("path", "").strip("/"): each.get("value") for each in changes}}


def _role_of_stack(name: str, sent: dict[str, Any]) -> str:
    """Return the role in which CloudFormation changes a stack, "" for that of the caller."""
    stack = str(sent.get("StackName") or "").rpartition(":stack/")[2].partition("/")[0] or str(
        sent.get("StackName")
    )
    if role := sent.get("RoleARN"):
        _stack_roles[stack] = role
    return _stack_roles.get(stack, "") if name else ""


def _checked(handler: dict[str, Any], service: str) -> dict[str, Any]:
    """Return the handlers that create and update a resource, after a look at its roles."""

    def before(properties: dict[str, Any], *known: str) -> None:
        for role in dict.fromkeys(roles_in(properties)):
            if role not in known:
                pass_role(_stack_role.get() or iam_evaluator.caller_arn(), role, service)

    found: dict[str, Any] = {}
    if create := handler.get("create"):

        @functools.wraps(create)
        def create_if_allowed(logical_id: str, props: dict[str, Any], *more: Any, **named: Any) -> Any:
            before(props)
            return create(logical_id, props, *more, **named)

        found["create"] = create_if_allowed
    if update := handler.get("update"):

        @functools.wraps(update)
        def update_if_allowed(
            physical_id: str, old: dict[str, Any], new: dict[str, Any], *more: Any, **named: Any
        ) -> Any:
            before(new, *roles_in(old))
            return update(physical_id, old, new, *more, **named)

        found["update"] = update_if_allowed
    return found


def pass_role(principal: str, role: str, service: str) -> None:
    """Raise AccessDenied unless `principal` may give `role` to a service."""
    principal_must(principal, ACTION, role, "passed role", iam_passedtoservice=f"{service}.amazonaws.com")


def roles_in(value: Any) -> Iterator[str]:
    """Yield the ARNs of the roles that a request or a resource names; a name alone stands for a role that exists."""
    if isinstance(value, list):
        for each in value:
            yield from roles_in(each)
    elif isinstance(value, dict):
        for name, each in value.items():
            if isinstance(each, str) and _NAMED.fullmatch(name):
                yield from _arn(each)
            else:
                yield from roles_in(each)


def _arn(text: str) -> Iterator[str]:
    if _ROLE.fullmatch(text):
        yield text
    elif role := iam._roles.get_scoped(get_account_id(), None, text):
        yield role["Arn"]
