"""S3 for the lake: lists, reads, writes and conditionally replaces objects; keeps local copies of immutable files."""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from botocore.exceptions import ClientError

PARALLEL = 8
DELETE_LIMIT = 1_000
MULTIPART_BYTES = 32 * 1024 * 1024
_ABSENT = {"404", "NoSuchKey", "NotFound"}
_LOST = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}

T = TypeVar("T")
R = TypeVar("R")


class ConflictError(RuntimeError):
    """Another writer replaced the object first."""


def is_absent(error: ClientError) -> bool:
    """Whether S3 says that there is no such object."""
    return error.response["Error"]["Code"] in _ABSENT


def in_parallel(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """Results of `work` on each item, in order, computed a few at a time; the first error is raised."""
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
        Its name.
    s3
        boto3 client.
    """

    def __init__(self, name: str, s3: Any) -> None:
        self.name = name
        self.s3 = s3

    def url(self, key: str) -> str:
        """`s3://bucket/key`."""
        return f"s3://{self.name}/{key}"

    def entries(self, prefix: str, start_after: str = "") -> Iterator[dict[str, Any]]:
        """What S3 lists under `prefix` (`Key`, `Size`, `ETag`, `LastModified`), in order, 1,000 a request.

        `start_after`: only keys that sort after it.
        """
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix, StartAfter=start_after
        )
        for page in pages:
            yield from page.get("Contents", ())

    def keys(self, prefix: str, start_after: str = "") -> Iterator[str]:
        """Keys as `entries` lists them."""
        return (entry["Key"] for entry in self.entries(prefix, start_after))

    def sizes(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Keys under `prefix` with the bytes of each object."""
        return ((entry["Key"], entry["Size"]) for entry in self.entries(prefix))

    def get(self, key: str) -> tuple[bytes, str] | None:
        """Body and ETag of an object; None if there is none."""
        try:
            reply = self.s3.get_object(Bucket=self.name, Key=key)
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        return reply["Body"].read(), reply["ETag"]

    def get_json(self, key: str) -> tuple[Any, str] | None:
        """Parsed body and ETag of a JSON object; None if there is none."""
        found = self.get(key)
        return None if found is None else (json.loads(found[0]), found[1])

    def etag(self, key: str) -> str | None:
        """ETag of an object; None if there is none."""
        try:
            return str(self.s3.head_object(Bucket=self.name, Key=key)["ETag"])
        except ClientError as error:
            if is_absent(error):
                return None
            raise

    def put(self, key: str, body: bytes) -> None:
        """Write an object unconditionally."""
        self.s3.put_object(Bucket=self.name, Key=key, Body=body)

    def replace_json(self, key: str, value: Any, etag: str | None) -> str:
        """Write a JSON object only if it still has `etag` (None: only if there is no object).

        Returns
        -------
        str
            The new ETag.

        Raises
        ------
        ConflictError
            If another writer was first.
        """
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            reply = self.s3.put_object(
                Bucket=self.name, Key=key, Body=_body(value), ContentType="application/json", **condition
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _LOST or (etag and is_absent(error)):
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
        """Delete objects; keys without an object are fine."""
        self._delete([{"Key": key} for key in keys])

    def _delete(self, objects: list[dict[str, str]]) -> None:
        for start in range(0, len(objects), DELETE_LIMIT):
            chunk = objects[start : start + DELETE_LIMIT]
            self.s3.delete_objects(Bucket=self.name, Delete={"Objects": chunk, "Quiet": True})

    def delete_old_versions(self, key: str) -> None:
        """Delete the older versions of an object; does nothing in a bucket without versioning."""
        self._delete(
            [_place(one) for one in self._versions(key) if one["Key"] == key and not one["IsLatest"]]
        )

    def delete_with_versions(self, prefix: str) -> None:
        """Delete the objects under `prefix` with all their versions."""
        self._delete([_place(one) for one in self._versions(prefix)])

    def delete_versions_of_deleted(self, prefix: str, wanted: Callable[[str], bool]) -> int:
        """Delete all versions of the objects under `prefix` that are deleted; return the number of versions.

        `wanted` takes a key and says whether to do so.
        """
        versions = [one for one in self._versions(prefix) if wanted(one["Key"])]
        # A deletion marker has no ETag.
        living = {one["Key"] for one in versions if one["IsLatest"] and "ETag" in one}
        old = [_place(one) for one in versions if one["Key"] not in living]
        self._delete(old)
        return len(old)

    def _versions(self, prefix: str) -> Iterator[dict[str, Any]]:
        """Versions and deletion markers of the objects under `prefix`."""
        for page in self.s3.get_paginator("list_object_versions").paginate(Bucket=self.name, Prefix=prefix):
            yield from page.get("Versions", ())
            yield from page.get("DeleteMarkers", ())


def _place(version: dict[str, Any]) -> dict[str, str]:
    return {"Key": version["Key"], "VersionId": version["VersionId"]}


class LocalCopies:
    """Local copies of lake files, whose content never changes under one key.

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
        """Path of the copy of a key, whether it exists or not."""
        return self.folder / key

    def fetch(self, keys: Iterable[str]) -> list[Path]:
        """Paths of the copies of `keys`, in order; downloads those that are missing."""
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
        """Make a local file, just uploaded, the copy of its key."""
        self.path(key).parent.mkdir(parents=True, exist_ok=True)
        path.rename(self.path(key))

    def keep_only(self, keys: Iterable[str]) -> None:
        """Remove all copies except those of `keys`."""
        kept = {self.path(key) for key in keys}
        for path in [path for path in self.folder.rglob("*") if path.is_file() and path not in kept]:
            path.unlink()


def _body(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()
