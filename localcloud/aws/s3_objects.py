"""S3 objects that a crash leaves in either the old or the new version, never in a mix.

Hole closed: ministack replaces an object's data file and then its metadata file; a crash in between leaves new bytes
with the old ETag and length, which breaks reads and makes If-Match accept a stale state. Also, it only logs a failed
write. Here new data and new metadata, with a digest of the data, are both written beside the old ones before either
takes effect (s3_files.py). And an object that replaces another in a bucket
without versions would keep the other's tags.
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from ministack.services import s3

from localcloud.aws.protocol import Response
from localcloud.aws.s3_files import SIDECAR, remove_object, write_object
from localcloud.files import forget_names, write_atomically


def install() -> None:
    """Patch the S3 module."""
    s3._persist_object = persist_object
    s3._atomic_write = write_version
    s3._remove_key_files = remove_key_files
    s3._delete_persisted_bucket = _deleting(s3._delete_persisted_bucket)
    put: Callable[..., Response] = s3._put_object

    def put_without_old_tags(bucket: str, key: str, body: bytes, headers: dict[str, str]) -> Response:
        answer = put(bucket, key, body, headers)
        if answer[0] == HTTPStatus.OK and "x-amz-tagging" not in headers:
            s3._object_tags.pop((bucket, key, None), None)
        return answer

    s3._put_object = put_without_old_tags


def persist_object(bucket: str, key: str, obj: dict[str, Any]) -> None:
    """Write an object to its files; raise OSError on failure."""
    path = Path(s3._object_disk_path(bucket, key))
    path.parent.mkdir(parents=True, mode=0o700, exist_ok=True)
    meta = {**s3._object_meta_from_record(obj), **s3._key_history_meta(bucket, key), "key": key}
    if obj.get("body") is None:
        write_atomically(path.with_name(f"{path.name}{SIDECAR}"), json.dumps(meta))
    else:
        write_object(path, meta, obj["body"])
        obj["body"] = None
    base = Path(s3.DATA_DIR) / s3.get_account_id() / bucket
    remove_key_files(s3._other_key_disk_path(str(base), key, str(path)))


def write_version(path: str, content: str | bytes, *, text: bool = False) -> None:
    """Write the data of an older version, or a delete marker."""
    write_atomically(Path(path), content)


def remove_key_files(path: str | None) -> None:
    """Remove the files of an object or of a version."""
    if path:
        remove_object(Path(path))


def _deleting(delete: Callable[[str], None]) -> Callable[[str], None]:
    def delete_bucket(name: str) -> None:
        delete(name)
        forget_names(Path(s3.DATA_DIR) / s3.get_account_id() / name)

    return delete_bucket
