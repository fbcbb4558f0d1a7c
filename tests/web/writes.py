"""What the lake would say of a task, read from the stream of the table: for journeys and pictures without a lake."""

import json
from collections.abc import Iterator
from typing import Any

from tests.roles import OWNER


def writes_of(sql: str, values: tuple[str, ...], timeout: float) -> Any:
    """Answer as ``web.athena.run`` does: each write of the task ``values[2]``, the newest first."""
    from boto3.dynamodb.types import TypeDeserializer

    from web import athena

    plain, found = TypeDeserializer(), []
    for record in _records():
        stored = record["dynamodb"].get("NewImage", {})
        image = {name: plain.deserialize(value) for name, value in stored.items()}
        if image.get("id") == values[2]:
            row = {name: image.get(name) for name in ("version", "updated_by", "request_id")}
            row |= {"event_name": record["eventName"], "entity_type": image["PK"].partition("#")[0]}
            found.append(row | {"changed_at": image["updated_at"], "image": json.dumps(image, default=int)})
    return athena.Answer(sorted(found, key=lambda row: -row["version"]), "q", 0, 0)


def _records() -> Iterator[dict[str, Any]]:
    from django.conf import settings

    from store.model import table

    streams = OWNER.client("dynamodbstreams")
    stream = table().client.describe_table(TableName=settings.TABLE_NAME)["Table"]["LatestStreamArn"]
    for shard in streams.describe_stream(StreamArn=stream)["StreamDescription"]["Shards"]:
        place = {"StreamArn": stream, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
        iterator = streams.get_shard_iterator(**place)["ShardIterator"]
        while iterator and (page := streams.get_records(ShardIterator=iterator))["Records"]:
            yield from page["Records"]
            iterator = page.get("NextShardIterator")
