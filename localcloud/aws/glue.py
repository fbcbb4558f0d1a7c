"""The Glue catalog, one change at a time.

Hole closed: ministack runs each Glue call on a thread of its own, so two UpdateTable calls with the same VersionId can
both succeed, and a call can change the catalog while it is being saved. Catalog calls touch memory only; here they run
on the event loop. Calls that start a job or a crawler keep their thread.
"""

from typing import Any

from ministack.services import glue

from localcloud.aws.protocol import Handler, operation

THREADED = ("Start", "Stop", "BatchStop", "Run", "Cancel")


def install() -> None:
    """Patch the Glue module."""
    threaded: Handler = glue.handle_request

    async def handle_request(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Any:
        if operation(headers).startswith(THREADED):
            return await threaded(method, path, headers, body, query)
        return glue._handle_request_sync(method, path, headers, body, query)

    glue.handle_request = handle_request
