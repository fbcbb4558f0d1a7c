"""Finishes S3 writes that a crash interrupted, before ministack reads the object files.

See s3_objects.py for the hole this closes. This module must not import ministack, whose S3 service reads its
directory on import.
"""

import hashlib
import json
from pathlib import Path

PENDING = ".meta.json.pending.tmp"  # ministack ignores names that end in .tmp


def finish_interrupted_writes(directory: Path) -> int:
    """Complete or discard interrupted writes; return the number of objects concerned."""
    temporary = list(directory.rglob("*.tmp")) if directory.is_dir() else []
    pending = [path for path in temporary if path.name.endswith(PENDING)]
    for path in pending:
        _finish(path)
    for path in temporary:
        path.unlink(missing_ok=True)  # finishing an object may have used it
    return len(pending)


def _finish(pending: Path) -> None:
    data = pending.with_name(pending.name.removesuffix(PENDING))
    try:
        wanted = json.loads(pending.read_bytes())
    except ValueError:
        return  # incomplete: the data file was not touched yet
    if data.is_file() and digest(data.read_bytes()) == wanted.pop("data_digest", None):
        replace(data.with_name(f"{data.name}.meta.json"), json.dumps(wanted).encode())


def replace(path: Path, content: bytes) -> None:
    """Replace the content of a file atomically."""
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_bytes(content)
    temporary.replace(path)


def digest(content: bytes) -> str:
    """Return a digest of an object's bytes."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()
