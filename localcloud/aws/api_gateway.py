"""Binary media types of API Gateway, which are added by a patch whose path is a JSON pointer.

Hole closed: ministack keeps the pointer's escaped text (`*~1*` instead of `*/*`) and forgets the types before it,
so no media type ever matches and binary answers reach the client as base64.
"""

from typing import Any

from ministack.services import apigateway_v1

BINARY = "binaryMediaTypes"


def install() -> None:
    """Unescape what a patch of a REST API added."""
    apply = apigateway_v1._apply_patch

    def apply_unescaped(target: dict[str, Any], operations: list[dict[str, Any]]) -> dict[str, Any]:
        if isinstance(target.get(BINARY), list):  # or the patch would replace the whole list
            target[BINARY] = dict.fromkeys(target[BINARY])
        changed: dict[str, Any] = apply(target, operations)
        added = changed.get(BINARY)
        if isinstance(added, dict):
            changed[BINARY] = [name.replace("~1", "/").replace("~0", "~") for name in added]
        return changed

    apigateway_v1._apply_patch = apply_unescaped
