"""The fields that the log line of a request may show, by name and form: see ``web.request_log``."""

from web.request_log import Policy

_UUID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_DAY = r"\d{4}-\d\d-\d\d"
_SWITCH = "true|false|on|1"
_SHOWN = {
    "status": "pending|in_progress|completed|cancelled",
    "priority": "low|medium|high|urgent",
    "due_date": _DAY,
    "due_before": _DAY,
    "due_after": _DAY,
    "due_time": r"\d\d:\d\d",
    "updated_since": rf"{_DAY}T\d\d:\d\d(:\d\d(\.\d{{1,9}})?)?(Z|[+-]\d\d:\d\d)?",
    "completed_at": rf"{_DAY}T\d\d:\d\d:\d\d(\.\d{{1,9}})?Z",
    "sort": "-?(created|due|priority|updated)",
    "version": r"\d{1,6}",
    "if_version": r"\d{1,6}",
    "limit": r"\d{1,3}",
    "overdue": _SWITCH,
    "done": _SWITCH,
    "dry_run": _SWITCH,
    "deleted": _SWITCH,
    "id": _UUID,
    "ids": _UUID,
    "task_id": _UUID,
    "user_id": _UUID,
    "object_id": _UUID,
    "op": "create|update|delete|restore",
    "do": "complete|reopen|start|cancel|delete|apply",
    "to": "pending|in_progress|completed|cancelled",
    "was": "pending|in_progress|completed|cancelled",
    "kind": "run|replay|quarantine",
    "format": "json|csv",
    "theme": "light|dark|auto",
    "language": "en|de",
}
_MEASURED = {
    "title", "description", "category", "tags", "tag", "checklist", "text", "recurrence", "timezone", "q", "line",
    "phrase", "name", "given_name", "family_name", "email", "username", "identifier", "cursor", "file", "keep",
    "scopes",
}  # fmt: skip
_NEVER = {
    "password", "old_password", "new_password", "current_password", "password_again", "code", "totp", "otp",
    "token", "access_token", "id_token", "refresh_token", "secret", "secret_code", "authorization", "cookie",
    "session", "sealed", "csrfmiddlewaretoken", "idempotency_key", "api_key", "signature",
}  # fmt: skip

POLICY = Policy(shown=_SHOWN, measured=_MEASURED, never=_NEVER, nested={"operations", "task", "changes"})
