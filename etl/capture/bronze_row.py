"""Turns a DynamoDB stream record into a row of Bronze."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from etl.capture.dynamodb_json import image_json, special_types
from etl.lake.layout import SOURCE_TABLE, user_bucket
from etl.log import iso

MAX_RECORD_BYTES = 1000 * 1024
ENTITIES = ("USER", "TASK", "TRASH")
EVENT_NAMES = frozenset({"INSERT", "MODIFY", "REMOVE"})


class PoisonError(ValueError):
    """A stream record that no retry can make deliverable."""


def encode(row: Mapping[str, Any]) -> bytes:
    """A Bronze row as the JSON line that Firehose takes (UTF-8); PoisonError if it is too long for a record."""
    data = json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    if len(data) > MAX_RECORD_BYTES:
        raise PoisonError(f"{len(data)} bytes is more than a Firehose record holds")
    return data


def bronze_row(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The Bronze row of a stream record, or None for an item that does not belong in the lake.

    Parameters
    ----------
    record
        `eventID`, `eventName`, `dynamodb` with `Keys`, images, `SequenceNumber` and `ApproximateCreationDateTime`
        (epoch seconds).

    Returns
    -------
    dict or None
        All columns of Bronze `cdc` and its partition values, text or None throughout.

    Raises
    ------
    PoisonError
        When a mandatory member is missing or malformed.
    """
    try:
        change = record["dynamodb"]
        pk, sk = change["Keys"]["PK"]["S"], change["Keys"]["SK"]["S"]
        kind, _, user_id = pk.partition("#")
        if kind not in ENTITIES:
            return None
        return _row(record, change, pk, sk, kind, user_id)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise PoisonError(f"{type(error).__name__}: {error}") from error


def _row(
    record: Mapping[str, Any], change: Mapping[str, Any], pk: str, sk: str, entity_type: str, user_id: str
) -> dict[str, Any]:
    event_name = record["eventName"]
    if event_name not in EVENT_NAMES or not user_id or not record["eventID"]:
        raise PoisonError("no event id, user or known event name")
    moment = created_at(record)
    new, old = change.get("NewImage"), change.get("OldImage")
    return {
        "event_id": record["eventID"],
        "event_name": event_name,
        "event_time": iso(moment),
        "sequence_number": str(change["SequenceNumber"]),
        "entity_type": entity_type,
        "pk": pk,
        "sk": sk,
        "user_id": user_id,
        "entity_id": user_id if entity_type == "USER" else sk.partition("#")[2],
        "user_bucket": user_bucket(user_id),
        "year": f"{moment:%Y}",
        "month": f"{moment:%m}",
        "day": f"{moment:%d}",
        **_author(record, event_name, new or {}),
        "old_image": None if old is None else image_json(old),
        "new_image": None if new is None else image_json(new),
        "attribute_types": _attribute_types(old, new),
        "table_name": SOURCE_TABLE,
    }


def _author(record: Mapping[str, Any], event_name: str, new: Mapping[str, Any]) -> dict[str, str | None]:
    """Author and request of a change, from its new image; a removal has at most DynamoDB's own author, for TTL."""
    if event_name == "REMOVE":
        return {"request_id": None, "updated_by": (record.get("userIdentity") or {}).get("PrincipalId")}
    return {name: (new.get(name) or {}).get("S") for name in ("request_id", "updated_by")}


def _attribute_types(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> str | None:
    images = {"old_image": old, "new_image": new}
    found = {name: special_types(image) for name, image in images.items() if image}
    kept = {name: types for name, types in found.items() if types}
    return json.dumps(kept, sort_keys=True) if kept else None


def sequence_number(record: Any) -> str:
    """Sequence number of a stream record; empty if it has none."""
    try:
        return str(record["dynamodb"]["SequenceNumber"])
    except (KeyError, TypeError):
        return ""


def created_at(record: Mapping[str, Any]) -> datetime:
    """When DynamoDB made a stream record (UTC). The record holds epoch seconds, or a datetime if boto3 read it."""
    created = record["dynamodb"]["ApproximateCreationDateTime"]
    if isinstance(created, datetime):
        return created.astimezone(UTC)
    return datetime.fromtimestamp(float(created), UTC)
