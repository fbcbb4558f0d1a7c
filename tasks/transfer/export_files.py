"""The files of exports in S3: written in parts, handed out by links that work for some minutes, and erased.

The objects are private. What nobody erases expires: see ``etl.lake.layout.RETENTION_DAYS``.
"""

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError
from django.conf import settings

from etl.lake.storage import Bucket
from web.athena import client

LINK_SECONDS = 300
# What S3 says of an upload that was aborted, or of parts that another attempt has replaced.
_LOST = {"NoSuchUpload", "InvalidPart", "InvalidPartOrder"}


class UploadLost(Exception):  # noqa: N818
    """The parts written so far cannot be used any more."""


def key_of(user_id: str, name: str) -> str:
    """Return the key of a person's file."""
    return f"{_prefix(user_id)}{name}"


def _prefix(user_id: str) -> str:
    return f"{settings.EXPORTS_PREFIX}{user_id}/"


def put(key: str, content: bytes, media_type: str) -> None:
    """Write a file that fits in one part."""
    _s3().put_object(Bucket=settings.EXPORTS_BUCKET, Key=key, Body=content, ContentType=media_type)


def begin(key: str, media_type: str) -> str:
    """Begin a file in parts; return the id of the upload."""
    answer = _s3().create_multipart_upload(Bucket=settings.EXPORTS_BUCKET, Key=key, ContentType=media_type)
    return str(answer["UploadId"])


def put_part(key: str, upload_id: str, number: int, content: bytes) -> str:
    """Write part ``number`` (from 1; at least 5 MiB unless it is the last); return its ETag. Raises UploadLost."""
    try:
        answer = _s3().upload_part(
            Bucket=settings.EXPORTS_BUCKET, Key=key, UploadId=upload_id, PartNumber=number, Body=content
        )
    except ClientError as error:
        raise _lost(error) from error
    return str(answer["ETag"])


def complete(key: str, upload_id: str, etags: Sequence[str]) -> None:
    """Join the parts, whose ETags are ``etags``. Raises UploadLost."""
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, start=1)]
    try:
        _s3().complete_multipart_upload(
            Bucket=settings.EXPORTS_BUCKET, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}
        )
    except ClientError as error:
        raise _lost(error) from error


def _lost(error: ClientError) -> Exception:
    return UploadLost(str(error)) if error.response["Error"]["Code"] in _LOST else error


def abort(key: str, upload_id: str) -> None:
    """Drop the parts of an unfinished file; nothing happens if it is finished."""
    try:
        _s3().abort_multipart_upload(Bucket=settings.EXPORTS_BUCKET, Key=key, UploadId=upload_id)
    except ClientError as error:
        if error.response["Error"]["Code"] not in _LOST:
            raise


def link(key: str, filename: str) -> str:
    """Return an address from which anyone can save the file as ``filename`` for ``LINK_SECONDS``."""
    parameters = {
        "Bucket": settings.EXPORTS_BUCKET,
        "Key": key,
        "ResponseContentDisposition": f'attachment; filename="{filename}"',
        "ResponseCacheControl": "private, no-store",
    }
    return str(_s3().generate_presigned_url("get_object", Params=parameters, ExpiresIn=LINK_SECONDS))


def erase(user_id: str) -> None:
    """Delete the files of a person, older versions included."""
    Bucket(settings.EXPORTS_BUCKET, _s3()).delete_with_versions(_prefix(user_id))


def _s3() -> Any:
    return client("s3")
