"""Turns a DynamoDB stream record into a row of Bronze."""

import json
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from etl.capture.dynamodb_json import image_json, special_types
from etl.lake.layout import SOURCE_TABLE, user_bucket
from etl.log import iso

MAX_RECORD_BYTES = 1000 * 1024
ENTITIES = ("USER", "TASK", "TRASH")
EVENT_NAMES = frozenset({"INSERT", "MODIFY", "REMOVE"})
# The images of a record, in the order in which they are cut, and their columns in Bronze.
IMAGES = {"OldImage": "old_image", "NewImage": "new_image"}
# What is left of an image that is cut: the attributes that columns of Silver are made of, unless they are long.
_KEPT = (
    "id user_id entity_type version status priority category title description tags due_date due_time timezone "
    "recurrence created_at updated_at completed_at deleted_at request_id updated_by email username name given_name "
    "family_name"
)
KEPT_ATTRIBUTES = frozenset(_KEPT.split())
KEPT_BYTES = 1024


class PoisonError(ValueError):
    """A stream record that no retry can make deliverable."""


def encode(row: Mapping[str, Any]) -> bytes:
    """A Bronze row as the JSON line that Firehose takes (UTF-8)."""
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def bronze_line(record: Mapping[str, Any]) -> bytes | None:
    """The JSON line of a stream record, or None for an item that does not belong in the lake.

    An item has up to 400 KB, but quotes and control characters take four to seven bytes each in a line, and a change
    has two images. A line that is longer than a Firehose record loses the long attributes of the old image, then those
    of both, and says so in its column `cut`.

    Raises
    ------
    PoisonError
        When a mandatory member is missing or malformed.
    """
    for number in range(len(IMAGES) + 1):
        row = bronze_row(cut(record, list(IMAGES)[:number]))
        if row is None:
            return None
        data = encode(row)
        if len(data) <= MAX_RECORD_BYTES:
            return data
    raise PoisonError("too long for a Firehose record even without its images")


def cut(record: Mapping[str, Any], images: Collection[str]) -> Mapping[str, Any]:
    """A stream record with some of its images reduced to `KEPT_ATTRIBUTES`; its member `cut` names them."""
    reduced = {name: _reduced(image) for name, image in _images(record).items() if name in images}
    if not reduced:
        return record
    change = record["dynamodb"]
    named = sorted({*record.get("cut", ()), *reduced})
    return {**record, "dynamodb": {**change, **reduced}, "cut": named}


def _images(record: Mapping[str, Any]) -> dict[str, Any]:
    change = record.get("dynamodb") or {}
    return {name: change[name] for name in IMAGES if name in change}


def _reduced(image: Any) -> dict[str, Any]:
    if not isinstance(image, Mapping):
        return {}
    return {
        name: image[name]
        for name in KEPT_ATTRIBUTES & image.keys()
        if len(json.dumps(image[name], default=str)) <= KEPT_BYTES
    }


def bronze_row(record: Mapping[str, Any]) -> dict[str, Any] | None:
    """The Bronze row of a stream record, or None for an item that does not belong in the lake.

    Parameters
    ----------
    record
        `eventID`, `eventName`, `dynamodb` with `Keys`, images, `SequenceNumber` and `ApproximateCreationDateTime`
        (epoch seconds); `cut` if it is a result of `cut`. A removal needs no image.

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
    new, old, missing = change.get("NewImage"), change.get("OldImage"), set(record.get("cut", ()))
    if event_name == "REMOVE" and old is None:
        old, missing = {}, {"OldImage"}
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
        "cut": ",".join(column for name, column in IMAGES.items() if name in missing) or None,
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


def person_of(record: Any) -> str:
    """Id of the person whose item a stream record is about; empty for other items, and if it does not say."""
    try:
        kind, _, user_id = record["dynamodb"]["Keys"]["PK"]["S"].partition("#")
    except (KeyError, TypeError, AttributeError):
        return ""
    return str(user_id) if kind in ENTITIES else ""


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
