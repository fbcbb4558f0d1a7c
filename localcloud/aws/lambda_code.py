"""The code of a function's published versions.

Hole closed: ministack answers GetFunction with an address of the newest code, whichever version was asked for, so a
rollback would deploy what it rolls back.
"""

import json
from collections.abc import Callable

from ministack.services import lambda_svc

from localcloud.aws.protocol import Response


def install() -> None:
    """Let addresses name the version, as `<function>:<version>`, and serve that version's code."""
    describe: Callable[..., Response] = lambda_svc._get_function
    serve: Callable[..., Response] = lambda_svc.serve_function_code

    def get_function(name: str, qualifier: str | None = None) -> Response:
        status, headers, body = describe(name, qualifier)
        described = json.loads(body)
        location = described.get("Code", {}).get("Location")
        version = described.get("Configuration", {}).get("Version", "$LATEST")
        if location is None or version == "$LATEST":
            return status, headers, body
        described["Code"]["Location"] = location.replace(f"/{name}?", f"/{name}:{version}?")
        return status, headers, json.dumps(described).encode()

    def serve_function_code(name: str, account_id: str | None = None, region: str | None = None) -> Response:
        name, _, version = name.partition(":")
        if not version:
            return serve(name, account_id=account_id, region=region)
        functions = lambda_svc._functions
        found = functions.get_scoped(account_id, region, name) if account_id else functions.get(name)
        kept = ((found or {}).get("versions") or {}).get(version)
        if kept is None:
            return 404, {"Content-Type": "text/plain"}, b"Function not found"
        return 200, {"Content-Type": "application/zip"}, kept.get("code_zip") or b""

    lambda_svc._get_function = get_function
    lambda_svc.serve_function_code = serve_function_code
