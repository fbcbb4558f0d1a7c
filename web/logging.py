"""Logs as one JSON object per line, with the request and the user, and without secrets (``etl.redaction``)."""

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from etl.redaction import redacted

request_id: ContextVar[str] = ContextVar("request_id", default="")
user_id: ContextVar[str] = ContextVar("user_id", default="")

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class JsonFormatter(logging.Formatter):
    """Formats records; ``extra`` may hold component, operation, duration_ms, status and metadata (a dict)."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        extra = record.__dict__
        metadata = dict(extra.get("metadata") or {})
        if record.exc_info:
            metadata["exception"] = self.formatException(record.exc_info)
        line = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "request_id": request_id.get(),
            "user_id": user_id.get(),
            "component": extra.get("component", record.name),
            "operation": extra.get("operation", record.funcName),
            "duration_ms": extra.get("duration_ms"),
            "status": extra.get("status"),
            "message": record.getMessage(),
            "metadata": metadata,
        }
        return _encode(redacted(line))


def configure(options: dict[str, Any]) -> None:
    """Send every log record of at least ``options["level"]`` to standard error as JSON."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(options["level"])
    logging.getLogger("django").handlers.clear()  # Django has given it some of its own
    for noisy in ("botocore", "boto3", "urllib3", "pynamodb", "asyncio", "zappa"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.getLogger("pyathena").setLevel(logging.CRITICAL)  # logs each error that it raises
    # RequestIdMiddleware logs each request; Django's own line adds something only if it has a traceback.
    logging.getLogger("django.request").addFilter(lambda record: bool(record.exc_info))
