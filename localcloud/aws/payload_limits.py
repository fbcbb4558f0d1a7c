"""Limits that no model states: sizes of Lambda's answers, of what passes API Gateway, of settings, metrics and keys.

Hole closed: ministack passes on answers of functions and headers of any size, under any name, and takes any number of
environment variables and metrics. It throttles what exceeds the concurrency of a function or the account, but then its
gateway answers 429, where API Gateway answers 500. It measures a transaction of DynamoDB as JSON, in which a character
may take six bytes, instead of by its items. It measures the keys of a table, but neither those of its indexes nor those
that a query asks for. Sources: the quotas pages of Lambda, API Gateway, DynamoDB and CloudWatch, API Gateway's
important notes for the headers that it renames or leaves out, and AWS's article about its internal server errors.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

from ministack.services import apigateway_v1, cloudwatch, dynamodb, lambda_svc

from localcloud.aws.decisions import AUDIT, tell
from localcloud.aws.protocol import Response, error_response
from localcloud.aws.service_roles import FUNCTION, before_creation

LAMBDA_ANSWER_BYTES = 6_291_556
ENVIRONMENT_BYTES = 4096
GATEWAY_BODY_BYTES = 10 * 2**20
GATEWAY_HEADER_BYTES = 10_240
METRICS_A_CALL = 1000
TRANSACTION_BYTES = 4 * 2**20
KEY_BYTES = {"HASH": 2048, "RANGE": 1024}
# What API Gateway does with the headers of a function's answer: it sends the first as "x-amzn-Remapped-…", and leaves
# the second out. Of a request's, it leaves out the third.
_RENAMED = "authorization connection content-md5 date max-forwards server user-agent www-authenticate"
_DROPPED = "expect host proxy-authenticate te trailer transfer-encoding upgrade via"
_WITHHELD = (
    "connection content-md5 expect max-forwards proxy-authenticate server te trailer upgrade www-authenticate"
)
RENAMED, DROPPED, WITHHELD = (set(names.split()) for names in (_RENAMED, _DROPPED, _WITHHELD))
BAD_GATEWAY = 502  # API Gateway's own answer to a function that failed, which says nothing of how
INTERNAL_ERROR = b'{"message": "Internal server error"}'
JSON_TYPE = {"Content-Type": "application/json"}  # to be copied: ministack adds the length of the answer


class SettingError(ValueError):
    """A resource of CloudFormation exceeds a limit."""


def install() -> None:
    """Check answers, requests through the gateway, environments, metrics, transactions and keys."""
    _answers()
    _gateway()
    _environments()
    _metrics()
    _transactions()
    _index_keys()
    _queries()


def _exceeds(what: str, size: int, limit: int) -> bool:
    """Return whether a limit is exceeded; tell so, and let it pass in an audit."""
    if size <= limit:
        return False
    tell(f"limit exceeded: {what}: {size:,} instead of {limit:,}")
    return not AUDIT


def _answers() -> None:
    run = lambda_svc._execute_function

    def run_within_limits(function: dict[str, Any], event: Any) -> dict[str, Any]:
        result: dict[str, Any] = run(function, event)
        if _exceeds("bytes of a function's answer", _json_bytes(result.get("body")), LAMBDA_ANSWER_BYTES):
            limit = f"({LAMBDA_ANSWER_BYTES} bytes)"
            reason = f"Response payload size exceeded maximum allowed payload size {limit}."
            error = {"errorType": "Function.ResponseSizeTooLarge", "errorMessage": reason}
            return {**result, "error": True, "function_error": "Unhandled", "body": error}
        return result

    lambda_svc._execute_function = run_within_limits


def _json_bytes(body: Any) -> int:
    """Return the size of an answer as Lambda's runtime serialises it: Unicode as it is, since Python 3.12."""
    if isinstance(body, bytes):
        return len(body)
    return len(json.dumps(body, ensure_ascii=False).encode(errors="surrogatepass"))


def _gateway() -> None:
    invoke = apigateway_v1._invoke_lambda_proxy_v1

    async def invoke_within_limits(
        integration: dict[str, Any],
        api_id: str,
        stage_name: str,
        stage: Any,
        resource: Any,
        path: str,
        method: str,
        headers: Mapping[str, Any],
        body: bytes | None,
        *more: Any,
        **options: Any,
    ) -> Response:
        if _exceeds("bytes of a body to API Gateway", len(body or b""), GATEWAY_BODY_BYTES):
            return 413, {**JSON_TYPE}, b'{"message": "Request Too Long"}'
        if _exceeds("bytes of headers to API Gateway", _header_bytes(headers), GATEWAY_HEADER_BYTES):
            return 431, {**JSON_TYPE}, b'{"message": "Request Header Fields Too Large"}'
        passed = {name: value for name, value in headers.items() if name.lower() not in WITHHELD}
        asked = (integration, api_id, stage_name, stage, resource, path, method, passed, body, *more)
        status, answered, content = await invoke(*asked, **options)
        renamed = {
            (f"x-amzn-Remapped-{name}" if name.lower() in RENAMED else name): value
            for name, value in answered.items()
            if name.lower() not in DROPPED
        }
        if _exceeds("bytes of headers from API Gateway", _header_bytes(renamed), GATEWAY_HEADER_BYTES):
            return 500, {**JSON_TYPE}, INTERNAL_ERROR
        return status, renamed, (INTERNAL_ERROR if status == BAD_GATEWAY else content)

    shape = apigateway_v1._lambda_proxy_response

    def shape_as_the_gateway_does(result: dict[str, Any]) -> Any:
        if result.get("throttle"):
            return {"statusCode": 500, "headers": {**JSON_TYPE}, "body": INTERNAL_ERROR.decode()}, None
        return shape(result)

    apigateway_v1._invoke_lambda_proxy_v1 = invoke_within_limits
    apigateway_v1._lambda_proxy_response = shape_as_the_gateway_does


def _header_bytes(headers: Mapping[str, Any]) -> int:
    """Return the bytes of headers as HTTP/1.1 sends them."""
    lines = [
        (name, str(each))
        for name, value in headers.items()
        for each in (value if isinstance(value, list) else [value])
    ]
    return sum(len(name) + len(value) + len(": \r\n") for name, value in lines)


def _environments() -> None:
    """A function's environment variables have 4 KB in all, names included."""

    def problem(data: Mapping[str, Any]) -> str:
        variables = (data.get("Environment") or {}).get("Variables") or {}
        size = sum(len(name.encode()) + len(str(value).encode()) for name, value in variables.items())
        if not _exceeds("bytes of a function's environment", size, ENVIRONMENT_BYTES):
            return ""
        reason = "because the environment variables you have provided exceeded the 4KB limit."
        return f"Lambda was unable to configure your environment variables {reason}"

    create, update = lambda_svc._create_function, lambda_svc._update_config

    def create_within_limits(data: dict[str, Any]) -> Response:
        refused = problem(data)
        return error_response("InvalidParameterValueException", refused, 400) if refused else create(data)

    def update_within_limits(name: str, data: dict[str, Any], *more: Any) -> Response:
        refused = problem(data)
        if refused:
            return error_response("InvalidParameterValueException", refused, 400)
        response: Response = update(name, data, *more)
        return response

    def check(properties: dict[str, Any]) -> None:
        if refused := problem(properties):
            raise SettingError(refused)

    lambda_svc._create_function, lambda_svc._update_config = create_within_limits, update_within_limits
    before_creation(FUNCTION, check)


def _metrics() -> None:
    put = cloudwatch._put_metric_data

    def put_within_limits(params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Response:
        sent = data.get("MetricData") if data else [name for name in params if name.endswith(".MetricName")]
        if _exceeds("metrics in one PutMetricData", len(sent or []), METRICS_A_CALL):
            reason = f"The collection MetricData must not have a size greater than {METRICS_A_CALL}."
            refused: Response = cloudwatch._error("ValidationError", reason, 400, is_json, is_cbor)
            return refused
        response: Response = put(params, data, is_cbor, is_json)
        return response

    cloudwatch._put_metric_data = put_within_limits


def _transactions() -> None:
    write = dynamodb._transact_write_items
    dynamodb._DDB_TXN_MAX_BYTES = sys.maxsize

    def write_within_limits(data: dict[str, Any]) -> Response:
        entries = [entry for entry in data.get("TransactItems") or [] if isinstance(entry, dict)]
        actions = [action for entry in entries for action in entry.values() if isinstance(action, dict)]
        parts = [action[name] for action in actions for name in ("Item", "Key") if name in action]
        size = sum(dynamodb._item_size_bytes(part) for part in parts)
        if _exceeds("bytes of a transaction", size, TRANSACTION_BYTES):
            reason = "Transaction request exceeds the 4MB transaction size limit"
            return error_response("ValidationException", reason, 400)
        response: Response = write(data)
        return response

    dynamodb._transact_write_items = write_within_limits


def _index_keys() -> None:
    """Check the keys of indexes wherever ministack refuses empty ones: in every write of an item."""
    empty = dynamodb._index_key_empty_reason

    def problem(table: dict[str, Any], item: dict[str, Any], *more: Any, **options: Any) -> str | None:
        reason: str | None = empty(table, item, *more, **options)
        return reason or _long_index_key(table, item)

    dynamodb._index_key_empty_reason = problem


def _long_index_key(table: Mapping[str, Any], item: Mapping[str, Any]) -> str | None:
    for kind in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        for index in table.get(kind) or []:
            for key in index["KeySchema"]:
                name, limit = key["AttributeName"], KEY_BYTES[key["KeyType"]]
                size = dynamodb._attribute_value_size(item.get(name) or {})
                if _exceeds(f"bytes of the index key {name}", size, limit):
                    return (
                        f"One or more parameter values were invalid: Size limit exceeded for Index Key {name} "
                        f"Actual Size: {size} bytes Max Size: {limit} bytes IndexName: {index['IndexName']}"
                    )
    return None


def _queries() -> None:
    query = dynamodb._query

    def query_within_limits(data: dict[str, Any]) -> Response:
        response: Response = query(data)
        return (_long_operand(data) if response[0] == 200 else None) or response

    dynamodb._query = query_within_limits


def _long_operand(data: Mapping[str, Any]) -> Response | None:
    """Return the refusal of a valid query that looks for a key which no item can have; None if some could."""
    table = dynamodb._tables[dynamodb._normalize_table_name(data["TableName"])]
    keys = dynamodb._resolve_index_keys(table, data.get("IndexName"))[:2]
    names = data.get("ExpressionAttributeNames") or {}
    for clause in dynamodb._key_condition_clauses(
        dynamodb._tokenize(data.get("KeyConditionExpression") or "")
    ):
        name = next(known for token in clause if (known := names.get(token[1], token[1])) in keys)
        for kind, reference, *_ in clause:
            if kind == "VALUE_REF":
                item = {name: data["ExpressionAttributeValues"][reference]}
                refused: Response | None = dynamodb._key_length_error(item, *keys)
                if refused:
                    return refused
    return None
