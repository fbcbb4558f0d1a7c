"""The REST API. Operations are thin: they parse, call one service or selector, and render."""

from functools import cache
from typing import Any

from ninja import Schema
from ninja.operation import Operation

# Answers are rendered without ninja's models of them, which describe the API in its document: built for that only.
Schema.model_config["defer_build"] = True


@cache
def _envelope(answer: Any) -> type[Schema] | None:
    """Return ninja's model of an answer of this type: one for all operations, of which there are six times as many."""
    return (
        None
        if answer is None
        else type("NinjaResponseSchema", (Schema,), {"__annotations__": {"response": answer}})
    )


Operation._create_response_model = staticmethod(_envelope)  # type: ignore[method-assign]  # noqa: SLF001
