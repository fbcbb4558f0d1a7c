"""S3 objects that a crash leaves in either the old or the new version, never in a mix.

Hole closed: ministack replaces an object's data file and then its metadata file; a crash in between leaves new bytes
with the old ETag and length, which breaks reads and makes If-Match accept a stale state. Also, it only logs a failed
write. Here the new metadata is first written beside the old and takes effect with the data file; after a crash, the
digest of the data decides which of the two counts (s3_recovery.py). And an object that replaces another in a bucket
without versions would keep the other's tags.
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from ministack.services import s3

from localcloud.aws.protocol import Response
from localcloud.aws.s3_recovery import PENDING, digest, replace


def install() -> None:
    """Patch the S3 module."""
    s3._persist_object = persist_object
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
    sidecar = path.with_name(f"{path.name}.meta.json")
    if obj.get("body") is None:
        replace(sidecar, json.dumps(meta).encode())
    else:
        _write_both(path, sidecar, meta, obj["body"])
        obj["body"] = None
    base = Path(s3.DATA_DIR) / s3.get_account_id() / bucket
    s3._remove_key_files(s3._other_key_disk_path(str(base), key, str(path)))


def _write_both(path: Path, sidecar: Path, meta: dict[str, Any], body: bytes) -> None:
    pending = path.with_name(f"{path.name}{PENDING}")
    pending.write_bytes(json.dumps({**meta, "data_digest": digest(body)}).encode())
    replace(path, body)
    replace(sidecar, json.dumps(meta).encode())
    pending.unlink()
