"""What Athena does for its caller: it reads Glue, the tables' files and writes results with the caller's permissions.

Hole closed: ministack reads and writes as root, so that a role without access to a table or to the results could query.
"""

from typing import Any
from urllib.parse import urlparse

from ministack.core.responses import get_account_id, get_region

from localcloud.aws.athena.errors import QueryError
from localcloud.aws.decisions import AccessDenied, caller_must

VIA = "Athena"
WRITE_RESULT = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]


def read_table(database: str, table: dict[str, Any]) -> None:
    """Raise QueryError unless the caller may read a table of Glue and its files."""
    reads = ["glue:GetTable", *(["glue:GetPartitions"] if table.get("PartitionKeys") else [])]
    try:
        for name in ("catalog", "database/default", f"database/{database}"):
            caller_must(["glue:GetDatabase"], _glue(name), VIA)
        for name in ("catalog", f"database/{database}", f"table/{database}/{table['Name']}"):
            caller_must(reads, _glue(name), VIA)
        bucket, prefix = _s3((table.get("StorageDescriptor") or {}).get("Location") or "")
        if bucket:
            caller_must(["s3:GetBucketLocation", "s3:ListBucket"], bucket, VIA)
            # The key of any file: AWS would ask for each.
            caller_must(["s3:GetObject"], f"{bucket}/{prefix.rstrip('/')}/file", VIA)
    except AccessDenied as denied:
        raise _refused(denied) from denied


def write_result(location: str) -> None:
    """Raise QueryError unless the caller may write the result to `location`, an `s3://` address."""
    bucket, key = _s3(location)
    try:
        caller_must(["s3:GetBucketLocation"], bucket, VIA)
        caller_must(WRITE_RESULT, f"{bucket}/{key}", VIA)
    except AccessDenied as denied:
        raise _refused(denied) from denied


def read_result(location: str) -> None:
    """Raise AccessDenied unless the caller may read the result at `location`."""
    bucket, key = _s3(location)
    caller_must(["s3:GetObject"], f"{bucket}/{key}", VIA)


def _refused(denied: AccessDenied) -> QueryError:
    return QueryError("PERMISSION_DENIED", f"Access denied: {denied}")


def _glue(name: str) -> str:
    return f"arn:aws:glue:{get_region()}:{get_account_id()}:{name}"


def _s3(address: str) -> tuple[str, str]:
    """Return the ARN of the bucket, "" if there is none, and the key."""
    parsed = urlparse(address)
    return (f"arn:aws:s3:::{parsed.netloc}" if parsed.netloc else ""), parsed.path.lstrip("/")
