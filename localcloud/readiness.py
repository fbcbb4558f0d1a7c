"""Checks of a starting copy: does a server answer, has the lake caught up, are the static files up to date."""

import hashlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from etl.lake.layout import GOLD_CURRENT

QUIET_SECONDS = 1.0
_direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def status_of(url: str) -> int:
    """Return the status of a GET of ``url`` without a proxy; 0 if nothing answers."""
    try:
        with _direct.open(url, timeout=5) as reply:
            return int(reply.status)
    except urllib.error.HTTPError as refusal:
        return refusal.code
    except (urllib.error.URLError, OSError):
        return 0


def lake_caught_up(directory: Path, variables: Mapping[str, str]) -> Iterator[bool]:
    """Yield at each call of ``next`` whether the insights show every change.

    They do if capture has been idle for a while and the published snapshot is as new as its last delivery.
    """
    s3 = boto3.client(
        "s3",
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_DEFAULT_REGION"],
    )
    before, since = "", time.monotonic()
    while True:
        checkpoint = _text(directory / "capture.json")
        if checkpoint != before:
            before, since = checkpoint, time.monotonic()
        quiet = bool(checkpoint) and time.monotonic() - since > QUIET_SECONDS
        yield (
            quiet
            and _published_until(s3, variables["GOLD_BUCKET"]) >= json.loads(checkpoint)["delivered_until"]
        )


def _text(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _published_until(s3: Any, bucket: str) -> str:
    """Return the time of the newest change in the published snapshot; "" before the first."""
    try:
        body = s3.get_object(Bucket=bucket, Key=GOLD_CURRENT)["Body"].read()
    except (BotoCoreError, ClientError):
        return ""
    return str(json.loads(body)["as_of"])


def assets_fingerprint(root: Path) -> str:
    """Return a digest of the sources of all static files: ours, npm's and the packages'."""
    sources = [
        root / name for name in ("requirements/web.txt", "package-lock.json", "node_modules/.complete")
    ]
    folders = [root / "static", *sorted(root.glob("[a-z]*/static"))]
    sources += [path for folder in folders for path in sorted(folder.rglob("*"))]
    entries = [
        f"{path} {path.stat().st_mtime_ns} {path.stat().st_size}" for path in sources if path.is_file()
    ]
    return hashlib.sha256("\n".join(entries).encode()).hexdigest()
