"""S3 in a folder and a catalogue that forgets: for histories that memory should not hold, and for Spark to read."""

import shutil
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

SMALL = 1 << 20


class NoVersions:
    """A listing of versions in a bucket that has none."""

    def paginate(self, *, Bucket: str, Prefix: str) -> Iterator[dict[str, Any]]:
        yield {}


class FolderS3:
    """S3 in a folder, buckets are folders in it, as far as the lake uses it.

    Parameters
    ----------
    root
        The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        path = self._held(Bucket, Key)
        size = path.stat().st_size
        if size >= SMALL:
            return {"Body": path.open("rb"), "ETag": str(size)}
        content = path.read_bytes()
        return {"Body": BytesIO(content), "ETag": self._digest(content)}

    def head_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:
        return {"ETag": self._etag(self._held(Bucket, Key))}

    def _held(self, bucket: str, key: str) -> Path:
        path = self.root / bucket / key
        if not path.is_file():
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return path

    @classmethod
    def _etag(cls, path: Path) -> str:
        size = path.stat().st_size
        # Data files are never replaced; what is, is small.
        return cls._digest(path.read_bytes()) if size < SMALL else str(size)

    @staticmethod
    def _digest(content: bytes) -> str:
        return f"{zlib.crc32(content)}-{len(content)}"

    def put_object(
        self, *, Bucket: str, Key: str, Body: bytes, IfMatch: str = "", IfNoneMatch: str = "", **_: Any
    ) -> dict[str, Any]:
        path = self.root / Bucket / Key
        held = self._etag(path) if path.is_file() else None
        if (IfNoneMatch and held) or (IfMatch and held != IfMatch):
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "PutObject")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Body)
        return {"ETag": self._etag(path)}

    def upload_file(self, path: str, bucket: str, key: str) -> None:
        target = self.root / bucket / key
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)

    def delete_objects(self, *, Bucket: str, Delete: dict[str, Any]) -> None:
        for entry in Delete["Objects"]:
            (self.root / Bucket / entry["Key"]).unlink(missing_ok=True)

    def get_paginator(self, operation: str) -> Any:
        assert operation in {"list_objects_v2", "list_object_versions"}
        return self if operation == "list_objects_v2" else NoVersions()

    def paginate(self, *, Bucket: str, Prefix: str, StartAfter: str = "") -> Iterator[dict[str, Any]]:
        folder = self.root / Bucket
        # A prefix need not end at a slash.
        below = (folder / Prefix).parent if not Prefix.endswith("/") else folder / Prefix
        sizes = {
            path.relative_to(folder).as_posix(): path.stat().st_size
            for path in below.rglob("*")
            if path.is_file()
        }
        keys = sorted(key for key in sizes if key.startswith(Prefix) and key > StartAfter)
        # Spark's local files have checksums beside them.
        yield {"Contents": [{"Key": key, "Size": sizes[key]} for key in keys if not key.endswith(".crc")]}


class NoGlue:
    """A catalogue that takes everything and remembers nothing."""

    def get_paginator(self, operation: str) -> "NoGlue":
        return self

    def paginate(self, **_: Any) -> list[dict[str, Any]]:
        return [{"Partitions": []}]

    def batch_create_partition(self, **_: Any) -> dict[str, Any]:
        return {}

    def batch_update_partition(self, **_: Any) -> dict[str, Any]:
        return {}

    def update_table(self, **_: Any) -> None:
        pass
