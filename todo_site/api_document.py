"""The API's OpenAPI document, beyond its operations: introduction, tags and security."""

from typing import Any

DESCRIPTION = """\
Tasks with due dates, checklists and recurrence. Each caller sees only their own; another person's tasks are not found.

**Sign in** with a Cognito ID or access token, or a personal access token, as `Authorization: Bearer`. The session of a
signed-in browser works too, with the page's CSRF token in `X-CSRFToken`.

**Errors** are problem details (RFC 9457) with the request's id; `errors` names the fields. `code` is stable and says
what happened; `docs` leads to its description. Answers may grow: ignore fields that you do not know.

**Deprecated** operations go on for at least a year; their answers carry `Deprecation`, `Sunset` and, in `Link`, what
replaces them.

**Retries** are safe with an `Idempotency-Key`: for 24 hours, the same request with the same key gets the first response
again, with `Idempotency-Replayed: true`. The same key with a different request is a 422; with a request still in
progress, a 409. Refusals are not stored.

**Concurrent changes** are detected with `If-Match` and the `ETag` of what you read: 412 if it has changed since.
`If-None-Match` avoids reading what has not changed. `fields` leaves out what you do not need of a task.

**Tracing**: your `X-Request-ID` is returned, logged, and stored with the changes that the request makes.

**Text** is UTF-8, and comes back in NFC without characters that hide or reorder it; limits count it like that. Searches
and filters find every spelling: case, full width and how accents are encoded make no difference.

**Limits**: bodies of 1 MiB, 32 levels deep; pages of 100; batches of 25. `RateLimit` tells how many requests are left
in this minute: a batch counts as its operations, an import as its rows (a dry run as a tenth of them), lists and
exports as the queries that they read. What is too much is refused at once, with what was measured and what would pass.
"""
TAGS = {
    "access tokens": "Tokens for scripts.",
    "calendar": "Your due tasks as a calendar feed.",
    "health": "Whether the service responds.",
    "insights": "The figures of the dashboard, for managers.",
    "tasks": "Your tasks.",
    "transfer": "Export and import.",
    "trash": "Deleted tasks, kept for 30 days.",
    "users": "Your profile.",
}
SECURITY_SCHEMES: dict[str, Any] = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A Cognito ID or access token, a JWT signed with RS256 and checked as RFC8725 recommends; or an "
        "opaque personal access token.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "session",
        "description": "The session of a signed-in browser. Unsafe methods also need `X-CSRFToken`.",
    },
}
SERVERS = [{"url": "/", "description": "This server: local, staging or production", "x-internal": "false"}]
EXTRA: dict[str, Any] = {
    "info": {
        "license": {"name": "MIT", "identifier": "MIT"},
    },
    "tags": [{"name": name, "description": description} for name, description in TAGS.items()],
    "security": [{name: []} for name in SECURITY_SCHEMES],
    "components": {"securitySchemes": SECURITY_SCHEMES},
}
