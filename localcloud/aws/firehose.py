"""Firehose that delivers one object per batch and partition, before it answers.

Hole closed: ministack writes one S3 object per record from a thread (500 records took 10 s), keeps every record in
memory and in its state, ignores whether S3 stored the object, and acts as root. Here a PutRecord or PutRecordBatch
call groups its records by partition, converts each group to one Parquet file and answers when S3 has written all.
It reads the schema and writes the objects as the stream's role; if that may not, the call fails.
AWS buffers for minutes instead: consumers see the same objects there, but later and larger, and a role that may not
write shows in metrics only.
"""

import asyncio
import base64
import binascii
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import firehose, s3

from localcloud.aws import log_envelopes
from localcloud.aws.decisions import AccessDenied, role_must
from localcloud.aws.parquet import ConversionError, convert
from localcloud.aws.protocol import Handler, Response, error_response, json_response, operation

S3_TYPES = ("ExtendedS3", "S3")
SERVICE = "firehose.amazonaws.com"
# Firehose's documentation asks for these.
READ_SCHEMA = ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"]
USE_BUCKET = ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"]
WRITE_OBJECT = ["s3:PutObject", "s3:AbortMultipartUpload"]
MAX_RECORDS = 500
MAX_RECORD_BYTES = 1000 * 1024
MAX_BATCH_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Delivery:
    """One object to be written."""

    bucket: str
    key: str
    body: bytes


class InvalidRecordsError(ValueError):
    """The call exceeds a limit of the service or is not base64."""


def install() -> None:
    """Patch the Firehose module."""
    others: Handler = firehose.handle_request

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: Any
    ) -> Response:
        action = operation(headers)
        if action not in ("PutRecord", "PutRecordBatch"):
            return await others(method, path, headers, body, query)
        data = json.loads(body)
        stream = firehose._streams.get(data.get("DeliveryStreamName", ""))
        if stream is None or any(each["type"] not in S3_TYPES for each in stream["destinations"]):
            return await others(method, path, headers, body, query)
        return await put(action, stream, data)

    firehose.handle_request = handle_request


async def put(action: str, stream: dict[str, Any], data: dict[str, Any]) -> Response:
    """Answer PutRecord or PutRecordBatch once all its objects are in S3."""
    records = [data.get("Record") or {}] if action == "PutRecord" else data.get("Records") or []
    try:
        raws = _decoded(records)
    except InvalidRecordsError as error:
        return error_response("InvalidArgumentException", str(error), 400)
    identified = [(firehose._record_id(), raw) for raw in raws]
    for destination in stream["destinations"]:
        try:
            _check_schema(destination["config"])
            deliveries = await asyncio.to_thread(plan, stream, destination, identified)
            _check_delivery(destination["config"], deliveries)
        except AccessDenied as denied:
            return error_response("ServiceUnavailableException", str(denied), 503)
        if not all([await _write(delivery) for delivery in deliveries]):
            return error_response("ServiceUnavailableException", "The bucket refused an object.", 503)
    answers = [{"RecordId": record_id} for record_id, _ in identified]
    if action == "PutRecord":
        return json_response({**answers[0], "Encrypted": False})
    return json_response({"FailedPutCount": 0, "Encrypted": False, "RequestResponses": answers})


def _check_schema(config: dict[str, Any]) -> None:
    """Raise AccessDenied unless the role may read the table that the records are converted for."""
    schema = (config.get("DataFormatConversionConfiguration") or {}).get("SchemaConfiguration")
    if not schema:
        return
    database, table = schema.get("DatabaseName", ""), schema.get("TableName", "")
    for name in ("catalog", f"database/{database}", f"table/{database}/{table}"):
        resource = f"arn:aws:glue:{get_region()}:{get_account_id()}:{name}"
        role_must(schema.get("RoleARN", ""), SERVICE, READ_SCHEMA, resource, "Firehose")


def _check_delivery(config: dict[str, Any], deliveries: list[Delivery]) -> None:
    """Raise AccessDenied unless the role may write the objects."""
    role, bucket = config.get("RoleARN", ""), config.get("BucketARN", "")
    role_must(role, SERVICE, USE_BUCKET, bucket, "Firehose")
    for delivery in deliveries:
        role_must(role, SERVICE, WRITE_OBJECT, f"{bucket}/{delivery.key}", "Firehose")


def _decoded(records: list[dict[str, Any]]) -> list[bytes]:
    if not records or len(records) > MAX_RECORDS:
        raise InvalidRecordsError(f"Records must have between 1 and {MAX_RECORDS} members.")
    try:
        raws = [base64.b64decode(record.get("Data", ""), validate=True) for record in records]
    except (binascii.Error, TypeError) as error:
        raise InvalidRecordsError("Record.Data must be valid base64.") from error
    if max(map(len, raws)) > MAX_RECORD_BYTES:
        raise InvalidRecordsError("Record size exceeds 1,000 KiB limit.")
    if sum(map(len, raws)) > MAX_BATCH_BYTES:
        raise InvalidRecordsError("Records size exceeds 4 MB limit")
    return raws


async def _write(delivery: Delivery) -> bool:
    headers = {
        "content-type": "application/octet-stream",
        "content-length": str(len(delivery.body)),
        "host": "s3.localhost",
    }
    path = f"/{delivery.bucket}/{delivery.key}"
    status, _, _ = await s3.handle_request("PUT", path, headers, delivery.body, {}, internal=True)
    return bool(status < 300)


def plan(
    stream: dict[str, Any], destination: dict[str, Any], records: list[tuple[str, bytes]]
) -> list[Delivery]:
    """Return the objects that a batch of (record id, bytes) becomes, rejected records included."""
    config = destination["config"]
    bucket = firehose._s3_bucket_from_arn(config.get("BucketARN", ""))
    arrived = firehose._arrival_time(config)
    lambda_keys: dict[str, Any] = {}
    processed = firehose._apply_lambda_processors(stream, destination, records, partition_sink=lambda_keys)
    groups: dict[str, list[bytes]] = {}
    opened, errors = _opened(config, processed)
    for record_id, raw in opened:
        try:
            groups.setdefault(_prefix(config, arrived, raw, lambda_keys.get(record_id)), []).append(raw)
        except firehose._DeliveryError as error:
            errors.append((raw, error))
    deliveries = []
    for prefix, raws in groups.items():
        body, rejected = _body(config, raws)
        errors += rejected
        if body:
            deliveries.append(Delivery(bucket, prefix + _name(stream, arrived) + _extension(config), body))
    return deliveries + list(_error_objects(stream, config, bucket, arrived, errors))


def _opened(
    config: dict[str, Any], records: list[tuple[str, bytes]]
) -> tuple[list[tuple[str, bytes]], list[tuple[bytes, Any]]]:
    """Take records out of CloudWatch Logs' envelopes if the destination says so; return them and those without one."""
    if not log_envelopes.opens(config):
        return records, []
    found: list[tuple[str, bytes]] = []
    bad: list[tuple[bytes, Any]] = []
    for record_id, raw in records:
        try:
            lines = log_envelopes.messages(raw)
        except log_envelopes.EnvelopeError as error:
            kind = "processing-failed"
            bad.append((raw, firehose._DeliveryError(kind, "Processing.Failed", str(error))))
            continue
        if lines:
            found.append((record_id, lines))
    return found, bad


def _prefix(config: dict[str, Any], arrived: time.struct_time, raw: bytes, lambda_keys: Any) -> str:
    partitioned = (config.get("DynamicPartitioningConfiguration") or {}).get("Enabled")
    query_keys = firehose._metadata_extraction_keys(config, raw) if partitioned else None
    prefix: str = firehose._evaluate_prefix(config.get("Prefix", ""), arrived, query_keys, lambda_keys)
    return prefix


def _body(config: dict[str, Any], raws: list[bytes]) -> tuple[bytes, list[tuple[bytes, Any]]]:
    """Return one file of all records that can be converted, and the others with their errors."""
    conversion = config.get("DataFormatConversionConfiguration") or {}
    if not conversion or not conversion.get("Enabled", True):
        return b"".join(raws), []
    try:
        return convert(conversion, raws), []
    except ConversionError as error:
        if len(raws) == 1:
            return b"", [(raws[0], firehose._conversion_error(error.kind))]
    good, bad = _separated(conversion, raws)
    return (convert(conversion, good) if good else b""), bad


def _separated(conversion: dict[str, Any], raws: list[bytes]) -> tuple[list[bytes], list[tuple[bytes, Any]]]:
    good, bad = [], []
    for raw in raws:
        try:
            convert(conversion, [raw])
            good.append(raw)
        except ConversionError as error:
            bad.append((raw, firehose._conversion_error(error.kind)))
    return good, bad


def _name(stream: dict[str, Any], arrived: time.struct_time) -> str:
    moment = firehose._java_time("yyyy-MM-dd-HH-mm-ss", arrived)
    return f"{stream['name']}-{stream.get('version', 1)}-{moment}-{firehose.new_uuid()}"


def _extension(config: dict[str, Any]) -> str:
    conversion = config.get("DataFormatConversionConfiguration") or {}
    converts = bool(conversion) and conversion.get("Enabled", True)
    return str(config.get("FileExtension") or (".parquet" if converts else ""))


def _error_objects(
    stream: dict[str, Any], config: dict[str, Any], bucket: str, arrived: time.struct_time, errors: list[Any]
) -> Iterable[Delivery]:
    """One object of JSON lines per kind of error."""
    for kind in dict.fromkeys(error.output_type for _, error in errors):
        lines = [_error_line(raw, error) for raw, error in errors if error.output_type == kind]
        body = "".join(json.dumps(line) + "\n" for line in lines).encode()
        yield Delivery(bucket, _error_prefix(config, arrived, kind) + _name(stream, arrived), body)


def _error_prefix(config: dict[str, Any], arrived: time.struct_time, kind: str) -> str:
    if config.get("ErrorOutputPrefix"):
        prefix: str = firehose._evaluate_prefix(config["ErrorOutputPrefix"], arrived, error_type=kind)
        return prefix
    return f"{config.get('Prefix', '')}{kind}/{firehose._java_time('yyyy/MM/dd/HH/', arrived)}"


def _error_line(raw: bytes, error: Any) -> dict[str, Any]:
    now = int(time.time() * 1000)
    return {
        "attemptsMade": 1,
        "arrivalTimestamp": now,
        "attemptEndingTimestamp": now,
        "rawData": base64.b64encode(raw).decode(),
        **({"ErrorCode": error.code} if error.code else {}),
        "ErrorMessage": error.message,
    }
