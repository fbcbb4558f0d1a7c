"""Firehose's built-in processors for CloudWatch Logs: decompression and message extraction.

Hole closed: ministack knows only Lambda processors and stores compressed envelopes as they are.
"""

import gzip
import json
import zlib
from collections.abc import Mapping
from typing import Any

Record = tuple[str, bytes]


class EnvelopeError(ValueError):
    """A record is not an envelope of CloudWatch Logs."""


def opens(config: Mapping[str, Any]) -> bool:
    """Whether a destination opens envelopes."""
    processing = config.get("ProcessingConfiguration") or {}
    kinds = {processor.get("Type") for processor in processing.get("Processors") or ()}
    return bool(processing.get("Enabled")) and "Decompression" in kinds


def messages(raw: bytes) -> bytes:
    """Return the messages in an envelope, one per line; nothing for a control message."""
    try:
        envelope = json.loads(gzip.decompress(raw))
        kind, events = envelope["messageType"], envelope["logEvents"]
        lines = [event["message"].rstrip("\n") + "\n" for event in events]
    except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnvelopeError(f"{type(error).__name__}: {error}") from error
    return "".join(lines).encode() if kind == "DATA_MESSAGE" else b""
