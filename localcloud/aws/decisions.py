"""Who may do what: every decision of IAM, those that ministack makes and those that it leaves out.

Hole closed: ministack decides a request by its caller's policies, but then acts as root when a service uses a role or
does something for the caller. `role_must`, `resource_must` and `caller_must` decide such an action with ministack's own
evaluator: `service_roles` asks for services, `athena` and `firehose` ask for themselves. `request_resources` corrects
what a request is about where ministack cannot tell.

A refusal is one line in the server's log: who, what, on what, and why.

Environment
-----------
LOCAL_AWS_CALLS
    File that receives each decision as a line of JSON.
LOCAL_AWS_AUDIT
    With `1`, refusals and exceeded limits are logged but not carried out: to find all of them in one run.
"""

import json
import os
import sys
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.responses import get_account_id, get_region
from ministack.services import iam

from localcloud.aws import request_resources

AUDIT = os.environ.get("LOCAL_AWS_AUDIT") == "1"
CALLS = os.environ.get("LOCAL_AWS_CALLS", "")
# SQS decides on a call for several messages as on one for each; there are no grants for the former.
ONE_BY_ONE = {
    f"sqs:{verb}Batch": f"sqs:{verb}" for verb in ("SendMessage", "DeleteMessage", "ChangeMessageVisibility")
}
UNTRUSTED = "no trust policy lets it assume the role"
UNGRANTED = "no identity-based policy allows the action"
_writing = threading.Lock()
_enforce = iam_evaluator.enforce


@dataclass(frozen=True, slots=True)
class AccessDenied(Exception):  # noqa: N818 - named as AWS names it
    """IAM refuses an action; the text is AWS's."""

    principal: str
    action: str
    resource: str
    reason: str

    def __str__(self) -> str:
        who, what = self.principal, self.action
        return (
            f"{who} is not authorized to perform: {what} on resource: {self.resource} because {self.reason}"
        )


def install() -> None:
    """Record and complete the decisions about requests."""
    iam_evaluator.enforce = _enforce_completely
    request_resources.install()


def tell(text: str) -> None:
    """Write one line to the server's log."""
    print(text, file=sys.stderr, flush=True)


def role_must(role_arn: str, service: str, actions: Iterable[str], resource: str, via: str) -> None:
    """Raise AccessDenied unless `service` may assume the role, and the role may do `actions` on `resource`.

    Parameters
    ----------
    role_arn
        ARN of the role; "" if the service was given none.
    service
        Service principal, for example `states.amazonaws.com`.
    via
        What uses the role, for the log: "Step Functions".
    """
    wanted = list(actions)
    name = role_arn.rpartition("/")[2]
    role = iam._roles.get_scoped(get_account_id(), None, name) if name else None
    if role is None:
        _refuse(AccessDenied(service, "sts:AssumeRole", role_arn, "there is no such role"), via)
        return
    if not _trusts(role, service):
        _refuse(AccessDenied(service, "sts:AssumeRole", role_arn, UNTRUSTED), via)
        return
    for action in wanted:
        _decide(role_arn, action, resource, via, {})


def caller_must(actions: Iterable[str], resource: str, via: str) -> None:
    """Raise AccessDenied unless the caller of the current request may also do `actions` on `resource`."""
    for action in actions:
        principal_must(iam_evaluator.caller_arn(), action, resource, via)


def principal_must(principal: str, action: str, resource: str, via: str, **conditions: str) -> None:
    """Raise AccessDenied unless `principal`, an ARN, may do `action` on `resource`; the account's owner may anything.

    Parameters
    ----------
    conditions
        Values of IAM's condition keys, named in small letters with `_` for `:`.
    """
    if not principal.endswith(":root"):
        keys = {name.replace("_", ":", 1): value for name, value in conditions.items()}
        _decide(principal, action, resource, via, keys)


def resource_must(service: str, action: str, resource: str, source: str, via: str) -> None:
    """Raise AccessDenied unless the policy of `resource` lets `service` in, on behalf of the resource `source`."""
    found = iam_evaluator._resource_policy(action.partition(":")[0], resource)
    context = _context(service, action, resource, {"aws:sourcearn": source})
    policy = found[0] if found else {}
    result = iam_evaluator.evaluate_resource_policy(policy, context, service=service)
    if result.decision != "Allow":
        _refuse(AccessDenied(service, action, resource, "no resource-based policy allows the action"), via)
        return
    _record(service, action, resource, allowed=True, via=via)


def _decide(principal: str, action: str, resource: str, via: str, keys: Mapping[str, str]) -> None:
    context = _context(principal, action, resource, keys)
    result = iam_evaluator.evaluate(context, _policies(principal))
    found = iam_evaluator._resource_policy(action.partition(":")[0], resource)
    if found is not None:
        result = iam_evaluator.combine_resource_policy(result, context, *found)
    if result.decision != "Allow":
        reason = "of an explicit deny" if result.decision == "Deny" else UNGRANTED
        _refuse(AccessDenied(principal, action, resource, reason), via)
        return
    _record(principal, action, resource, allowed=True, via=via)


def _policies(principal: str) -> list[Any]:
    """Return the statements of a role, of a session of it, or of a user."""
    kind, name, *_ = principal.split(":", 5)[5].split("/")
    gather = iam_evaluator._gather_user_policies if kind == "user" else iam_evaluator._gather_role_policies
    found: list[Any] = gather(
        name if kind == "assumed-role" else principal.rpartition("/")[2], get_account_id()
    )
    return found


def _context(principal: str, action: str, resource: str, more: Mapping[str, str]) -> Any:
    account = get_account_id()
    return iam_evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        service_context={"aws:sourceaccount": account, **more},
    )


def _trusts(role: dict[str, Any], service: str) -> bool:
    document = role.get("AssumeRolePolicyDocument") or {}
    document = json.loads(document) if isinstance(document, str) else document
    statements = document.get("Statement", [])
    statements = [statements] if isinstance(statements, dict) else statements
    about = [
        {**statement, "Resource": "*"}  # a trust policy names no resource, and the evaluator wants one
        for statement in statements
        if iam_evaluator._service_principal_matches(statement.get("Principal"), service)
    ]
    context = _context(service, "sts:AssumeRole", role["Arn"], {})
    parsed = iam_evaluator.parse_policy_document({"Statement": about})
    return bool(iam_evaluator.evaluate(context, [parsed]).decision == "Allow")


def _enforce_completely(
    key: str, action: str, service: str, region: str, resource_arn: str = "*", service_context: Any = None
) -> Any:
    """Decide on every resource of a request with all its condition keys; log and record the decision."""
    request = request_resources.current()
    context = {**(service_context or {}), **request.conditions}
    action = ONE_BY_ONE.get(action, action)
    for resource in (resource_arn, *request.others):
        denied = _enforce(key, action, service, region, resource_arn=resource, service_context=context)
        if isinstance(denied, iam_evaluator.AuthError):  # who they are, not what they may
            return denied
        principal = str((iam_evaluator.resolve_caller_identity(key) or {}).get("userArn", ""))
        if denied is None:
            _record(principal, action, resource, allowed=True)
            continue
        reason = "of an explicit deny" if denied.decision == "Deny" else UNGRANTED
        _report(AccessDenied(principal, action, resource, reason), "")
        if not AUDIT:
            return denied
    return None


def _refuse(denied: AccessDenied, via: str) -> None:
    _report(denied, via)
    if not AUDIT:
        raise denied


def _report(denied: AccessDenied, via: str) -> None:
    _record(denied.principal, denied.action, denied.resource, allowed=False, via=via)
    tell(f"access denied{f' ({via})' if via else ''}: {denied}")


def _record(principal: str, action: str, resource: str, *, allowed: bool, via: str = "") -> None:
    if not CALLS or principal.endswith(":root"):
        return
    decision = {
        "principal": principal,
        "action": action,
        "resource": resource,
        "allowed": allowed,
        "via": via,
    }
    with _writing, open(CALLS, "a") as file:  # noqa: PTH123 - a path from the environment, appended to
        file.write(json.dumps(decision) + "\n")
