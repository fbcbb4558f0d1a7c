"""S3 for the lake: list, read, write, conditionally replace, and a local copy of immutable files."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import ClientError

PARALLEL = 8
MULTIPART_BYTES = 32 * 1024 * 1024
_ABSENT = {"404", "NoSuchKey", "NotFound"}
_LOST = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}

T = TypeVar("T")
R = TypeVar("R")


class ConflictError(RuntimeError):
    """Somebody else replaced the object first."""


def in_parallel(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Results of `work` on each item, in order, a few at a time; the first error is raised."""
    todo = list(items)
    if len(todo) < 2:
        return [work(item) for item in todo]
    with ThreadPoolExecutor(PARALLEL) as pool:
        return list(pool.map(work, todo))


class Bucket:
    """One S3 bucket.

    Parameters
    ----------
    name
        Of the bucket.
    s3
        boto3 client.
    """

    def __init__(self, name: str, s3: Any) -> None:
        self.name = name
        self.s3 = s3

    def url(self, key: str) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.name}/{key}"

    def keys(self, prefix: str, start_after: str = "") -> Iterator[str]:
        """Keys under `prefix` that sort after `start_after`, in order, 1,000 a request."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, StartAfter=start_after
        )
        for page in pages:
            for entry in page.get("Contents", ()):
                yield entry["Key"]

    def entries(self, prefix: str) -> Iterator[dict[str, Any]]:
        """What S3 lists under `prefix` (`Key`, `Size`, `ETag`, `LastModified`), in order, 1,000 a request."""
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix):
            yield from page.get("Contents", ())

    def sizes(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Keys under `prefix` and how many bytes each object has, in order, 1,000 a request."""
        for entry in self.entries(prefix):
            yield entry["Key"], entry["Size"]

    def get(self, key: str) -> tuple[bytes, str] | None:
        """Body and ETag of an object, or None where there is none."""
        try:
            reply = self.s3.get_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise
        return reply["Body"].read(), reply["ETag"]

    def get_json(self, key: str) -> tuple[Any, str] | None:
        """Parsed body and ETag of a JSON object, or None where there is none."""
        found = self.get(key)
        return None if found is None else (json.loads(found[0]), found[1])

    def etag(self, key: str) -> str | None:
        """ETag of an object, or None where there is none."""
        try:
            return str(self.s3.head_object(Bucket=self.name, Key=key)["ETag"])
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise

    def put(self, key: str, body: bytes) -> None:
        """Write an object, whatever was there."""
        self.s3.put_object(Bucket=self.name, Key=key, Body=body)

    def replace_json(self, key: str, value: Any, etag: str | None) -> str:
        """Write a JSON object only if it is still the one with `etag` (None: only if there is none).

        Returns
        -------
        str
            The new ETag.

        Raises
        ------
        ConflictError
            When another writer was first.
        """
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            reply = self.s3.put_object(
                Bucket=self.name, Key=key, Body=_body(value), ContentType="application/json", **condition
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _LOST | (_ABSENT if etag else set()):
                raise ConflictError(f"{self.url(key)} was replaced by another run") from error
            raise
        return str(reply["ETag"])

    def upload(self, files: Iterable[tuple[Path, str]]) -> None:
        """Upload local files: `(path, key)` pairs."""
        in_parallel(self._upload, files)

    def _upload(self, pair: tuple[Path, str]) -> None:
        path, key = pair
        if path.stat().st_size > MULTIPART_BYTES:
            self.s3.upload_file(str(path), self.name, key)
        else:
            # One plain PUT: boto3's transfer manager starts a thread pool for every file.
            self.s3.put_object(Bucket=self.name, Key=key, Body=path.read_bytes())

    def delete(self, keys: Iterable[str]) -> None:
        """Delete objects, 1,000 a request; those already gone are fine."""
        todo = list(keys)
        for start in range(0, len(todo), 1000):
            objects = [{"Key": key} for key in todo[start : start + 1000]]
            self.s3.delete_objects(Bucket=self.name, Delete={"Objects": objects, "Quiet": True})

    def delete_old_versions(self, key: str) -> None:
        """Delete what a versioned bucket still holds of an object's past; nothing where it is not versioned."""
        page = self.s3.list_object_versions(Bucket=self.name, Prefix=key)
        old = [
            {"Key": key, "VersionId": version["VersionId"]}
            for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
            if version["Key"] == key and not version["IsLatest"]
        ]
        if old:
            self.s3.delete_objects(Bucket=self.name, Delete={"Objects": old, "Quiet": True})

    def delete_versions_of_deleted(self, prefix: str, wanted: Callable[[str], bool]) -> int:
        """Delete what a versioned bucket still holds of objects under `prefix` that are deleted; how many versions.

        `wanted` says of which keys.
        """
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=prefix)
        gone: list[dict[str, str]] = []
        living: set[str] = set()
        for page in pages:
            gone += [
                {"Key": version["Key"], "VersionId": version["VersionId"]}
                for version in (*page.get("Versions", ()), *page.get("DeleteMarkers", ()))
                if wanted(version["Key"])
            ]
            living.update(version["Key"] for version in page.get("Versions", ()) if version["IsLatest"])
        old = [version for version in gone if version["Key"] not in living]
        for start in range(0, len(old), 1000):
            chunk = old[start : start + 1000]
            self.s3.delete_objects(Bucket=self.name, Delete={"Objects": chunk, "Quiet": True})
        return len(old)


class LocalCopies:
    """Local copies of lake files whose content never changes under one key.

    Parameters
    ----------
    bucket
        Where the files are.
    folder
        Where the copies go; created when missing.
    """

    def __init__(self, bucket: Bucket, folder: Path) -> None:
        self.bucket = bucket
        self.folder = folder

    def path(self, key: str) -> Path:
        """Where the copy of a key is or would be."""
        return self.folder / key

    def fetch(self, keys: Iterable[str]) -> list[Path]:
        """Paths of the copies of `keys`, in order; only what is not here yet is downloaded."""
        wanted = list(keys)
        in_parallel(self._download, [key for key in wanted if not self.path(key).exists()])
        return [self.path(key) for key in wanted]

    def _download(self, key: str) -> None:
        path = self.path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + ".part")
        body = self.bucket.s3.get_object(Bucket=self.bucket.name, Key=key)["Body"]
        with part.open("wb") as file:
            shutil.copyfileobj(body, file, 1 << 20)
        part.rename(path)

    def adopt(self, path: Path, key: str) -> None:
        """Take a local file, just uploaded, as the copy of its key."""
        self.path(key).parent.mkdir(parents=True, exist_ok=True)
        path.rename(self.path(key))

    def keep_only(self, keys: Iterable[str]) -> None:
        """Remove every copy but those of `keys`."""
        kept = {self.path(key) for key in keys}
        for path in [path for path in self.folder.rglob("*") if path.is_file() and path not in kept]:
            path.unlink()


def _body(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
