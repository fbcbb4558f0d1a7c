"""Requests and responses of ministack's services, with types."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from ministack.core import responses

Response = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Awaitable[Response]]

json_response: Callable[[dict[str, Any]], Response] = responses.json_response
error_response: Callable[[str, str, int], Response] = responses.error_response_json


def operation(headers: Mapping[str, str]) -> str:
    """Return the name of the operation that a request of a JSON protocol asks for, "" for other protocols."""
    return headers.get("x-amz-target", "").rpartition(".")[2]
