"""What a request does and is about, where ministack cannot tell.

Hole closed: ministack decides on `*`, and so refuses roles that AWS allows, where a request names its resource through
something else (a query's id, a shard iterator, the address that mail comes from) or through a condition key (that
address, the namespace of metrics). It also decides Glue's calls on the database alone, where AWS wants the catalog and
the tables too, and takes a database's name for a table's. SQS has no permissions for requests about many messages: who
may send, delete or hide one may do so with many.
"""

import json
from contextvars import ContextVar
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import athena, dynamodb_streams

from localcloud.aws.protocol import operation


@dataclass(frozen=True, slots=True)
class Request:
    """Resources that a request is also decided on, and its condition keys."""

    others: tuple[str, ...] = ()
    conditions: dict[str, str] = field(default_factory=dict)


_current: ContextVar[Request] = ContextVar("request", default=Request())  # noqa: B039 - frozen, never written to
_extract = iam_actions.extract_resource_arn
_action_of = iam_actions.extract_iam_action


def install() -> None:
    """Correct what ministack finds in a request."""
    iam_actions.extract_resource_arn = _resource
    iam_actions.extract_iam_action = _action


def current() -> Request:
    """Return what `_resource` found in the request at hand, in addition to its resource."""
    return _current.get()


def _action(service: str, *request: Any) -> str | None:
    found: str | None = _action_of(service, *request)
    return found.removesuffix("Batch") if found and service == "sqs" else found


def _resource(
    service: str, method: str, path: str, headers: dict[str, str], body: bytes, query: Any, *more: Any
) -> str:
    found = str(_extract(service, method, path, headers, body, query, *more))
    _current.set(Request())
    if service == "monitoring":
        _current.set(Request(conditions=_namespace(headers, body, query)))
    if service == "s3" or body[:1] != b"{":  # an object may begin with a brace and be no JSON
        return found
    data = json.loads(body)
    if service == "ses" and "FromEmailAddress" in data:
        sender = parseaddr(data["FromEmailAddress"])[1]
        _current.set(Request(conditions={"ses:FromAddress": sender}))
        return _arn("ses", f"identity/{sender.rpartition('@')[2]}")
    if service == "athena":
        return _workgroup(data)
    if "ShardIterator" in data or "StreamArn" in data:
        return _stream(data)
    if service == "logs" and "logStreamName" in data:
        return f"{found}:log-stream:{data['logStreamName']}"
    if service == "glue" and "JobName" not in data:
        catalog, *others = _glue(operation(headers), data)
        _current.set(Request(others=tuple(others)))
        return catalog
    return found


def _arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{resource}"


def _workgroup(data: dict[str, Any]) -> str:
    execution = athena._executions.get(data.get("QueryExecutionId")) or {}
    name = data.get("WorkGroup") or execution.get("WorkGroup") or "primary"
    return _arn("athena", f"workgroup/{name}")


def _stream(data: dict[str, Any]) -> str:
    if "StreamArn" in data:
        return str(data["StreamArn"])
    iterator = dynamodb_streams._decode_iterator(data["ShardIterator"]) or {}
    return next((str(value) for value in iterator.values() if "/stream/" in str(value)), "*")


def _glue(action: str, data: dict[str, Any]) -> list[str]:
    """Return catalog, database and table of a request, as far as it is about them."""
    about_database = action.endswith(("Database", "Databases"))
    named = data.get("Name") or (data.get("DatabaseInput") or {}).get("Name")
    database = named if about_database else data.get("DatabaseName")
    if not database:
        return [_arn("glue", "catalog")]
    table = data.get("TableName") or data.get("Name") or (data.get("TableInput") or {}).get("Name") or "*"
    tables = [] if about_database else [_arn("glue", f"table/{database}/{table}")]
    return [_arn("glue", "catalog"), _arn("glue", f"database/{database}"), *tables]


def _namespace(headers: dict[str, str], body: bytes, query: dict[str, Any]) -> dict[str, str]:
    if "cbor" in headers.get("content-type", ""):
        import cbor2

        name = (cbor2.loads(body) or {}).get("Namespace")
    elif body[:1] == b"{":
        name = json.loads(body).get("Namespace")
    else:
        name = (query.get("Namespace") or [None])[0]
    return {"cloudwatch:namespace": name} if name else {}
