"""S3, Glue and Firehose in memory, as far as the lake uses them: fast enough for thousands of runs.

`test_s3_contract.py` and `test_glue_contract.py` hold them to what AWS does.
Errors are botocore's own. `S3.before` runs ahead of every call, so that a test can stop a run at any step.
"""

import base64
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from botocore.exceptions import ClientError

from etl.lake import layout
from etl.lake.config import LakeConfig
from etl.lake.manifest import LIST
from etl.lake.tables import BRONZE
from tests.etl.folder import NoVersions

# Histories in these tests lie in the past, so every day counts as one that files are expected in.
CONFIG = LakeConfig("bronze", "silver", "gold", "todo_analytics", late_days=100_000)


def failure(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


class S3:
    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, bytes]] = defaultdict(dict)
        self.calls: Counter[str] = Counter()
        self.modified: datetime | None = None
        self.before: Callable[[str, str], None] = lambda operation, key: None

    def _call(self, operation: str, key: str = "") -> None:
        self.calls[operation] += 1
        self.before(operation, key)

    @staticmethod
    def etag(body: bytes) -> str:
        return f'"{hashlib.md5(body).hexdigest()}"'

    def write_out(self, bucket: str, folder: Path, keys: Iterable[str] | None = None) -> None:
        """Put objects of a bucket, all where `keys` is None, into a folder."""
        held = self.buckets[bucket]
        for key in held if keys is None else keys:
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(held[key])

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self._call("get_object", Key)
        body = self._body(Bucket, Key, "NoSuchKey", "GetObject")
        return {"Body": io.BytesIO(body), "ETag": self.etag(body)}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        self._call("head_object", Key)
        return {"ETag": self.etag(self._body(Bucket, Key, "404", "HeadObject"))}

    def _body(self, bucket: str, key: str, code: str, operation: str) -> bytes:
        try:
            return self.buckets[bucket][key]
        except KeyError:
            raise failure(code, operation) from None

    def put_object(
        self,
        *,
        Bucket: str,
        Key: str,
        Body: bytes,
        ContentType: str = "",
        IfMatch: str | None = None,
        IfNoneMatch: str | None = None,
    ) -> dict[str, Any]:
        self._call("put_object", Key)
        held = self.buckets[Bucket].get(Key)
        if IfNoneMatch == "*" and held is not None:
            raise failure("PreconditionFailed", "PutObject")
        if IfMatch is not None and (held is None or self.etag(held) != IfMatch):
            raise failure("NoSuchKey" if held is None else "PreconditionFailed", "PutObject")
        self.buckets[Bucket][Key] = Body
        return {"ETag": self.etag(Body)}

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any]) -> dict[str, Any]:
        self._call("delete_objects")
        for entry in Delete["Objects"]:
            self.buckets[Bucket].pop(entry["Key"], None)
        return {}

    def get_paginator(self, operation: str) -> Any:
        assert operation in {"list_objects_v2", "list_object_versions"}
        return self if operation == "list_objects_v2" else NoVersions()

    def _entry(self, bucket: str, key: str) -> dict[str, Any]:
        body = self.buckets[bucket][key]
        dated = {"LastModified": self.modified} if self.modified else {}
        return {"Key": key, "Size": len(body), "ETag": self.etag(body), **dated}

    def paginate(
        self,
        *,
        Bucket: str,
        Prefix: str = "",
        StartAfter: str = "",
        PaginationConfig: Mapping[str, int] = MappingProxyType({}),
    ) -> Iterator[dict[str, Any]]:
        size, after = PaginationConfig.get("PageSize", 1000), StartAfter
        while True:
            self._call("list_objects_v2", Prefix)
            keys = sorted(key for key in self.buckets[Bucket] if key.startswith(Prefix) and key > after)
            page = keys[:size]
            yield ({"Contents": [self._entry(Bucket, key) for key in page]} if page else {})
            if len(keys) <= size:
                return
            after = page[-1]


class Glue:
    """Tables and partitions of one database."""

    class exceptions:  # noqa: N801  boto3's own spelling
        class EntityNotFoundException(ClientError):  # noqa: N818
            pass

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, Any]] = {}
        self.partitions: dict[str, dict[str, str]] = defaultdict(dict)

    def create_table(self, *, DatabaseName: str, TableInput: dict[str, Any]) -> None:
        self.tables[TableInput["Name"]] = TableInput

    def update_table(self, *, DatabaseName: str, TableInput: dict[str, Any], SkipArchive: bool) -> None:
        if TableInput["Name"] not in self.tables:
            raise self.exceptions.EntityNotFoundException(
                {"Error": {"Code": "EntityNotFoundException", "Message": TableInput["Name"]}}, "UpdateTable"
            )
        self.tables[TableInput["Name"]] = TableInput

    def get_paginator(self, operation: str) -> "Glue":
        assert operation == "get_partitions"
        return self

    def paginate(self, *, DatabaseName: str, TableName: str) -> Iterator[dict[str, Any]]:
        held = self.partitions[TableName].items()
        yield {"Partitions": [{"Values": [name], "StorageDescriptor": {"Location": at}} for name, at in held]}

    def get_table(self, *, DatabaseName: str, Name: str) -> dict[str, Any]:
        return {"Table": self.tables[Name]}

    def batch_create_partition(
        self, *, DatabaseName: str, TableName: str, PartitionInputList: list[dict[str, Any]]
    ) -> dict[str, Any]:
        held, errors = self.partitions[TableName], []
        for entry in PartitionInputList:
            (name,) = entry["Values"]
            if name in held:
                errors.append(self._error([name], "AlreadyExistsException"))
            else:
                held[name] = entry["StorageDescriptor"]["Location"]
        return {"Errors": errors}

    def batch_update_partition(
        self, *, DatabaseName: str, TableName: str, Entries: list[dict[str, Any]]
    ) -> dict[str, Any]:
        held, errors = self.partitions[TableName], []
        for entry in Entries:
            (name,) = entry["PartitionValueList"]
            if name in held:
                held[name] = entry["PartitionInput"]["StorageDescriptor"]["Location"]
            else:
                errors.append(self._error([name], "EntityNotFoundException"))
        return {"Errors": errors}

    @staticmethod
    def _error(values: list[str], code: str) -> dict[str, Any]:
        return {"PartitionValues": values, "ErrorDetail": {"ErrorCode": code, "ErrorMessage": code}}

    def location(self, table: str) -> str:
        return str(self.tables[table]["StorageDescriptor"]["Location"])


class Firehose:
    """Takes records, some of them; writes one Parquet file per partition and flush, as the stream is declared to.

    `refuse(data)` decides which entries fail; `fail_calls` whole calls raise first.
    """

    def __init__(self, s3: S3) -> None:
        self.s3 = s3
        self.refuse: Callable[[bytes], bool] = lambda data: False
        self.fail_calls = 0
        self.calls: list[list[bytes]] = []
        self.taken: list[bytes] = []
        self.files = 0

    def put_record_batch(self, *, DeliveryStreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:
        self.calls.append([record["Data"] for record in Records])
        if self.fail_calls:
            self.fail_calls -= 1
            raise failure("ServiceUnavailableException", "PutRecordBatch")
        replies = [self._put(record["Data"]) for record in Records]
        return {"FailedPutCount": sum("ErrorCode" in reply for reply in replies), "RequestResponses": replies}

    def _put(self, data: bytes) -> dict[str, str]:
        if self.refuse(data):
            return {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "slow down"}
        self.taken.append(data)
        return {"RecordId": base64.b64encode(str(len(self.taken)).encode()).decode()}

    def flush(self) -> None:
        """Deliver what was taken to Bronze."""
        import json

        partitions: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for data in self.taken:
            row = json.loads(data)
            path = "/".join(f"{name}={row[name]}" for name, _ in BRONZE.partitions)
            partitions[path].append(row)
        self.taken = []
        for path, rows in partitions.items():
            put_bronze(self.s3, path, rows, self.files)
            self.files += 1


def put_bronze(
    s3: S3, path: str, rows: list[dict[str, Any]], number: int, columns: Any = BRONZE.names
) -> str:
    """Write a Bronze file; returns its key."""
    body = io.BytesIO()
    table = pa.table({name: pa.array([row.get(name) for row in rows], pa.string()) for name in columns})
    pq.write_table(table, body, compression="snappy")
    key = f"{layout.BRONZE_PREFIX}{path}/todo-cdc-stream-1-{number:06d}.parquet"
    s3.buckets[CONFIG.bronze_bucket][key] = body.getvalue()
    return key


def rows_of(s3: S3, url: str) -> list[dict[str, Any]]:
    """Rows of every Parquet file in an `s3://bucket/folder/`, or that the list in it names."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    keys = sorted(key for key in s3.buckets[bucket] if key.startswith(prefix))
    if [key.rpartition("/")[2] for key in keys] == [LIST]:
        keys = [line.removeprefix(f"s3://{bucket}/") for line in s3.buckets[bucket][keys[0]].decode().split()]
    return [row for key in keys for row in pq.read_table(io.BytesIO(s3.buckets[bucket][key])).to_pylist()]
