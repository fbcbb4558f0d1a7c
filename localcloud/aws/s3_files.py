"""The files of an S3 object, which a crash or a loss of power leaves in the old or the new version.

See s3_objects.py for the hole this closes. New data and new metadata, with a digest of the data, are both there before
either takes effect; what was interrupted then is completed at the next start, before ministack reads the files. This
module must not import ministack, whose S3 service reads its directory on import.
"""

import hashlib
import json
from pathlib import Path
from typing import Any

from localcloud.files import TEMPORARY, keep_names, write

SIDECAR = ".meta.json"
PENDING = f"{SIDECAR}.pending{TEMPORARY}"  # ministack ignores names that end in .tmp


def write_object(path: Path, metadata: dict[str, Any], body: bytes) -> None:
    """Write an object's data and metadata."""
    new, pending, sidecar = _files(path)
    write(new, body)
    write(pending, json.dumps({**metadata, "data_digest": digest(body)}))
    keep_names(path.parent)  # both must be there before one of them replaces an old file
    new.replace(path)
    pending.replace(sidecar)
    keep_names(path.parent)  # or the next write could take the place of what is to be completed


def remove_object(path: Path) -> None:
    """Remove an object's files, the data first: metadata without data are no object."""
    if path.is_file():
        path.unlink()
        keep_names(path.parent)
    _files(path)[2].unlink(missing_ok=True)


def _files(path: Path) -> tuple[Path, ...]:
    """Return the files of an object's new data, its pending metadata and its metadata."""
    return tuple(path.with_name(f"{path.name}{ending}") for ending in (TEMPORARY, PENDING, SIDECAR))


def finish_interrupted_writes(directory: Path) -> int:
    """Complete or discard interrupted writes; return the number of temporary files concerned."""
    temporary = list(directory.rglob(f"*{TEMPORARY}")) if directory.is_dir() else []
    for path in temporary:
        ending = PENDING if path.name.endswith(PENDING) else TEMPORARY
        _finish(path.with_name(path.name.removesuffix(ending)))
    for path in temporary:
        path.unlink(missing_ok=True)  # finishing an object may have used it
    for folder in {path.parent for path in temporary}:
        keep_names(folder)
    return len(temporary)


def _finish(data: Path) -> None:
    """Let the new data and the new metadata of an object take effect if both are there."""
    new, pending, sidecar = _files(data)
    wanted = _data_digest(pending) or _data_digest(sidecar)
    if wanted and _digest_of(new) == wanted:
        new.replace(data)
    if _digest_of(data) == _data_digest(pending) != "":
        pending.replace(sidecar)


def _data_digest(metadata: Path) -> str:
    """Return the digest of the data that a file of metadata belongs to; "" without or if it is incomplete."""
    try:
        content: Any = json.loads(metadata.read_bytes())
    except (FileNotFoundError, ValueError):
        return ""
    return str(content.get("data_digest", ""))


def _digest_of(path: Path) -> str:
    return digest(path.read_bytes()) if path.is_file() else "no file"


def digest(content: bytes) -> str:
    """Return a digest of an object's bytes."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()
