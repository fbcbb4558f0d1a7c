"""Removes secrets from what becomes a log line, whoever wrote it: the one rule for the lake, pages and API.

Known by their form: tokens, keys, signed values, signed URLs, and passwords in addresses. Known by their name, in an
object as in a text such as a header, a query string, JSON or Python: whatever follows ``Authorization``, ``Cookie``,
``password``, ``secret_key`` and the like. A harmless word behind such a name is removed as well.
"""

import functools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

REDACTED = "[redacted]"
SIGNED_COLONS = 2  # value:time:signature
# The ends of names: whatever precedes them, as in X-Origin-Secret, is let through.
_HEADER = r"(?:authorization|cookie)"
_OTHERS = (
    r"(?:passwor[dt]|passwd|passphrase|token|signature|credential|csrf|api[_-]?key|private[_-]?key"
    r"|(?<!:)secret(?:[_-]?(?:access)?[_-]?(?:key|string|code|value))?|session(?:id|[_-]?key))"  # an ARN has :secret:
)
# Between a name and its value: `name: `, `name=`, `"name": `, and `('name', ` of a pair.
_BETWEEN = r"(?:\\*[\"']\s*[:=,]\s*|\s*[:=]\s*)"
_QUOTED = r"b?\"(?:[^\"\\]|\\.)*\"?|b?'(?:[^'\\]|\\.)*'?|\\+[\"'](?:[^\"'\\]|\\\\.)*"
_RULES = tuple(
    (re.compile(pattern, re.IGNORECASE | re.DOTALL), replacement)
    for pattern, replacement in (
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)", REDACTED),
        (r"(://[^\s\"'<>?]+\?)[^\s\"'<>]*\b(?:signature|security-token|sig)=[^\s\"'<>]*", rf"\1{REDACTED}"),
        (r"(://)[^/\s:@\"']*:[^/\s@\"']+@", rf"\1{REDACTED}@"),
        (rf"({_HEADER})({_BETWEEN})(?:{_QUOTED}|[^\"'\n]+)", rf"\1\2{REDACTED}"),
        (rf"({_OTHERS})({_BETWEEN})(?:{_QUOTED}|[^\s\"',;&<>)}}\]]+)", rf"\1\2{REDACTED}"),
        (r"\b(Bearer )\S+|\b(Basic )[\w+/]{16,}=*", rf"\1\2{REDACTED}"),
        (r"\beyJ[\w-]+\.[\w-]+\.[\w-]*", REDACTED),  # a JWT
        (r"\btodo_[\w-]{32,}", REDACTED),  # identity.bearer_secrets
        (r"\b[\w-]{4,}:[0-9a-z]{5,8}:[\w-]{43}\b", REDACTED),  # django.core.signing
    )
)
# In small letters, a part of everything that a rule matches: most lines have none of them, and are done with.
_HINTS = (
    *(
        "authorization",
        "cookie",
        "passw",
        "passphrase",
        "token",
        "signature",
        "credential",
        "csrf",
        "key",
        "secret",
    ),
    *("session", "bearer ", "basic ", "eyj", "todo_", "akia", "asia", "://", "sig="),
)
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b")
_NAME = re.compile(rf".*(?:{_HEADER}|{_OTHERS})", re.IGNORECASE)
_PLACEHOLDER = re.compile(r"\[[\w ]*\]|")


def redacted_text(text: str) -> str:
    """Return ``text`` with ``[redacted]`` in the place of each secret."""
    small = text.lower()
    if not any(hint in small for hint in _HINTS) and small.count(":") < SIGNED_COLONS:
        return text
    for rule, replacement in _RULES:
        text = rule.sub(replacement, text)
    return _KEY_ID.sub(REDACTED, text)


def redacted(value: Any) -> Any:
    """Return what JSON can hold of ``value``, without secrets; other objects become their text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(name): _named(str(name), each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redacted(each) for each in value]
    return redacted_text(value if isinstance(value, str) else str(value))


def _named(name: str, value: Any) -> Any:
    hidden = isinstance(value, str | bytes) and _NAME.fullmatch(name)
    if hidden and not _PLACEHOLDER.fullmatch(str(value)):
        return REDACTED
    return redacted(value)


def errors_redacted(handle: Callable[P, R]) -> Callable[P, R]:
    """Remove secrets from the errors that leave an entry point: whoever runs it logs their texts."""

    @functools.wraps(handle)
    def redacting(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return handle(*args, **kwargs)
        except Exception as error:
            for each in _chain(error):
                each.args = tuple(redacted_text(arg) if isinstance(arg, str) else arg for arg in each.args)
            raise

    return redacting


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
