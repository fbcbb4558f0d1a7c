"""What a service takes in a second, and at once: calls of Cognito and Athena, units of a partition of DynamoDB.

Hole closed: ministack takes any number. Here a call beyond its rate gets AWS's own error, after the burst that a pause
has saved up, and the log has a line of it. The figures are AWS's defaults, of the smallest region where they differ.
Sources: the quotas pages of Cognito, Athena and DynamoDB. A partition's units are counted by what a request sends or
gets, not by the items before a change.

Environment
-----------
LOCAL_AWS_RATES
    `0` for none, as a suite of tests needs that signs up more people in a second than a site does. Otherwise figures
    that replace AWS's, such as `UserList=1/2,StartQueryExecution=5`: calls a second, and the burst if it is another.
"""

import json
import math
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ministack import app as ministack_app
from ministack.services import athena, dynamodb

from localcloud.aws.decisions import AUDIT, tell
from localcloud.aws.protocol import Handler, Response, error_response, operation

CHOSEN = os.environ.get("LOCAL_AWS_RATES", "")
# Calls a second and burst, by Cognito's category or Athena's operation.
RATES: dict[str, tuple[float, float]] = {
    "UserAuthentication": (120, 120),
    "UserCreation": (50, 50),
    "UserAccountRecovery": (30, 30),
    "UserRead": (120, 120),
    "UserUpdate": (25, 25),
    "UserToken": (120, 120),
    "UserResourceRead": (50, 50),
    "UserResourceUpdate": (25, 25),
    "UserList": (30, 30),
    "StartQueryExecution": (20, 80),
    "StopQueryExecution": (20, 80),
    "GetQueryExecution": (100, 200),
    "GetQueryResults": (100, 200),
    "WriteUnits": (1000, 1000),
    "ReadUnits": (3000, 3000),
}
QUERIES_AT_ONCE = 25
# The operations of each of Cognito's categories that people's sites call.
CATEGORIES = {
    "UserAuthentication": "InitiateAuth AdminInitiateAuth",  # an answer to a challenge has three times the rate
    "UserCreation": "SignUp ConfirmSignUp AdminCreateUser AdminConfirmSignUp AdminSetUserPassword",
    "UserAccountRecovery": "ForgotPassword ConfirmForgotPassword ChangePassword AdminResetUserPassword",
    "UserRead": "AdminGetUser GetUser",
    "UserUpdate": (
        "AdminAddUserToGroup AdminRemoveUserFromGroup AdminUpdateUserAttributes UpdateUserAttributes AdminEnableUser "
        "AdminDisableUser AdminDeleteUser DeleteUser AdminUserGlobalSignOut GlobalSignOut"
    ),
    "UserToken": "RevokeToken GetTokensFromRefreshToken",
    "UserResourceRead": "AdminListGroupsForUser ResendConfirmationCode AdminListUserAuthEvents",
    "UserResourceUpdate": (
        "AdminSetUserMFAPreference SetUserMFAPreference AssociateSoftwareToken VerifySoftwareToken"
    ),
    "UserList": "ListUsers ListUsersInGroup",
}
CATEGORY = {name: category for category, names in CATEGORIES.items() for name in names.split()}
TOO_MANY_QUERIES = (
    "You have exceeded the limit for the number of queries you can run concurrently. Reduce the number of concurrent "
    "queries submitted by this account. Contact customer support to request a concurrent query limit increase."
)
TOO_MANY_UNITS = (
    "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning "
    "level with the UpdateTable API."
)
KEPT = 10_000  # partitions that are remembered
WRITE_BYTES, READ_BYTES = 1024, 4096  # of one unit


@dataclass
class Bucket:
    """What may be spent: `rate` a second, of which `burst` can be saved up. A request may leave a debt."""

    rate: float
    burst: float
    left: float = 0.0
    seen: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.left = self.burst

    def refill(self) -> float:
        """Add what the time since the last call has brought; return what is there."""
        now = time.monotonic()
        self.left, self.seen = min(self.burst, self.left + (now - self.seen) * self.rate), now
        return self.left

    def take(self) -> bool:
        """Spend one, if there is one."""
        if self.refill() < 1:
            return False
        self.left -= 1
        return True


def chosen() -> dict[str, tuple[float, float]]:
    """Return the figures that hold in this process."""
    found = dict(RATES)
    for name, _, figures in (pair.partition("=") for pair in CHOSEN.split(",") if pair):
        rate, _, burst = figures.partition("/")
        if name not in RATES:
            raise ValueError(f"LOCAL_AWS_RATES: there is no {name}, but {', '.join(RATES)}")
        found[name] = float(rate), float(burst or rate)
    return found


def install() -> None:
    """Count calls before their service sees them."""
    if CHOSEN == "0":
        return
    figures, handlers = chosen(), ministack_app.SERVICE_HANDLERS
    buckets = {name: Bucket(*rates) for name, rates in figures.items()}
    cognito = _counted("cognito-idp", buckets, CATEGORY.get, "TooManyRequestsException")
    queries = _counted("athena", buckets, lambda name: name, "ThrottlingException")
    handlers["cognito-idp"] = cognito(handlers["cognito-idp"])
    handlers["athena"] = queries(_at_once(handlers["athena"]))
    handlers["dynamodb"] = _by_partition(handlers["dynamodb"], figures["WriteUnits"], figures["ReadUnits"])


def _beyond(what: str) -> bool:
    tell(f"limit exceeded: {what}")
    return not AUDIT


def _counted(
    service: str, buckets: dict[str, Bucket], kind: Callable[[str], str | None], code: str
) -> Callable[[Handler], Handler]:
    def wrapped(handle: Handler) -> Handler:
        async def handle_within_rate(method: str, path: str, headers: dict[str, str], *more: Any) -> Response:
            name = operation(headers)
            bucket = buckets.get(kind(name) or "")
            if bucket and not bucket.take() and _beyond(f"{service} {name}: {bucket.rate:g} a second"):
                return error_response(code, "Rate exceeded", 400)
            return await handle(method, path, headers, *more)

        return handle_within_rate

    return wrapped


def _at_once(handle: Handler) -> Handler:
    """Athena takes no query while as many as it runs at once are running or waiting."""

    async def handle_if_there_is_room(
        method: str, path: str, headers: dict[str, str], *more: Any
    ) -> Response:
        states = [each["Status"]["State"] for each in athena._executions.values()]
        active = sum(state in ("QUEUED", "RUNNING") for state in states)
        full = operation(headers) == "StartQueryExecution" and active >= QUERIES_AT_ONCE
        if full and _beyond(f"athena StartQueryExecution: {QUERIES_AT_ONCE} queries at once"):
            return error_response("TooManyRequestsException", TOO_MANY_QUERIES, 400)
        return await handle(method, path, headers, *more)

    return handle_if_there_is_room


# --- DynamoDB ---

Partition = tuple[str, ...]  # "write" or "read", table, "" or index, value of the partition key


def _by_partition(handle: Handler, writes: tuple[float, float], reads: tuple[float, float]) -> Handler:
    buckets: dict[Partition, Bucket] = {}

    def bucket_of(partition: Partition) -> Bucket:
        if len(buckets) >= KEPT and partition not in buckets:
            buckets.pop(next(iter(buckets)))
        return buckets.setdefault(partition, Bucket(*(writes if partition[0] == "write" else reads)))

    async def handle_within_units(
        method: str, path: str, headers: dict[str, str], body: bytes, *more: Any
    ) -> Response:
        name = operation(headers)
        spent = dict(_units(name, json.loads(body))) if name in (*WRITES, *READS) else {}
        for partition, units in spent.items():
            bucket = bucket_of(partition)
            full = bucket.refill() < min(units, bucket.burst)
            if full and _beyond(f"dynamodb {name}: {bucket.rate:g} units a second of {' '.join(partition)}"):
                return _throttled(name, json.loads(body))
        answer = await handle(method, path, headers, body, *more)
        for partition, units in spent.items():
            got = len(answer[2]) / READ_BYTES if partition[0] == "read" else 0
            bucket_of(partition).left -= max(units, units * math.ceil(got))
        return answer

    return handle_within_units


WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")
READS = ("GetItem", "Query")
_PARTITION = re.compile(r"(?:^|[\s(])([#\w]+)\s*=\s*(:\w+)")


def _throttled(name: str, data: dict[str, Any]) -> Response:
    if name != "TransactWriteItems":
        return error_response("ProvisionedThroughputExceededException", TOO_MANY_UNITS, 400)
    reasons = [{"Code": "ThrottlingError", "Message": TOO_MANY_UNITS} for _ in data["TransactItems"]]
    codes = ", ".join(reason["Code"] for reason in reasons)
    text = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    status, headers, body = error_response("TransactionCanceledException", text, 400)
    return status, headers, json.dumps({**json.loads(body), "CancellationReasons": reasons}).encode()


def _units(name: str, data: dict[str, Any]) -> Iterator[tuple[Partition, float]]:
    """Yield the partitions that a request is about, with the units of each."""
    if name in READS:
        unit = 1.0 if data.get("ConsistentRead") else 0.5
        if (value := _asked(name, data)) is not None:
            yield ("read", data["TableName"], data.get("IndexName", ""), value), unit
        return
    actions = [data] if name != "TransactWriteItems" else _actions(data)
    factor = 1 if name != "TransactWriteItems" else 2
    spent: dict[Partition, float] = {}
    for action in actions:
        for partition, units in _written(action):
            spent[partition] = spent.get(partition, 0) + factor * units
    yield from spent.items()


def _actions(data: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        action
        for entry in data["TransactItems"]
        for kind, action in entry.items()
        if kind != "ConditionCheck"
    ]


def _keys(table: str) -> Iterator[tuple[str, str]]:
    """Yield "" and the names of the indexes, each with the name of its partition key."""
    known = dynamodb._tables.get(table) or {}
    schemas = [("", known.get("KeySchema", ()))]
    schemas += [(each["IndexName"], each["KeySchema"]) for each in known.get("GlobalSecondaryIndexes") or ()]
    for index, schema in schemas:
        yield from ((index, key["AttributeName"]) for key in schema if key["KeyType"] == "HASH")


def _written(action: dict[str, Any]) -> Iterator[tuple[Partition, float]]:
    item = action.get("Item") or {**action.get("Key", {}), **(action.get("ExpressionAttributeValues") or {})}
    units = max(1, math.ceil(dynamodb._item_size_bytes(item) / WRITE_BYTES))
    for index, key in _keys(action["TableName"]):
        if key in item:
            yield ("write", action["TableName"], index, json.dumps(item[key])), units


def _asked(name: str, data: dict[str, Any]) -> str | None:
    """Return the value of the partition key that a read names."""
    keys = dict(_keys(data["TableName"]))
    wanted = keys.get(data.get("IndexName", ""))
    if name == "GetItem":
        return json.dumps(data["Key"].get(wanted)) if wanted else None
    names = data.get("ExpressionAttributeNames") or {}
    for attribute, value in _PARTITION.findall(data.get("KeyConditionExpression") or ""):
        if names.get(attribute, attribute) == wanted:
            return json.dumps((data.get("ExpressionAttributeValues") or {}).get(value))
    return None
