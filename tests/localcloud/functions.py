"""A function behind an emulated API Gateway."""

from __future__ import annotations

import http.client
import io
import json
import urllib.error
import urllib.request
import zipfile
from dataclasses import dataclass
from typing import Any

from localcloud.server import LocalAws
from tests.localcloud.conftest import ClientOf

ACCOUNT = "000000000000"
# Returns what it is told to, after as many seconds: headers, and a body of as many characters. To a GET, it returns the
# event.
CODE = """
import json
import time
def handler(event, context):
    asked = json.loads(event.get("body") or "{}") if "httpMethod" in event else event
    time.sleep(asked.get("seconds", 0))
    if event.get("httpMethod") == "GET":
        return {"statusCode": 200, "body": json.dumps(event)}
    if "answer_bytes" in asked:
        return "x" * (asked["answer_bytes"] - 2)  # the quotation marks of JSON
    return {"statusCode": 200, "headers": asked.get("headers", {}), "body": "x" * asked.get("size", 2)}
"""


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        file.writestr("code.py", CODE)
    return out.getvalue()


def make_function(of: ClientOf, name: str, role: str, **options: Any) -> str:
    """Create the function; return its ARN."""
    made = of("lambda").create_function(
        FunctionName=name,
        Role=role,
        Runtime="python3.13",
        Handler="code.handler",
        Code={"ZipFile": archive()},
        **options,
    )
    return str(made["FunctionArn"])


@dataclass(frozen=True)
class Gateway:
    """A REST API whose every request goes to one function."""

    server: LocalAws
    api: str

    def post(
        self, asked: dict[str, Any], headers: dict[str, str] | None = None, raw: bytes | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Return status, headers and body of a request."""
        body = json.dumps(asked).encode() if raw is None else raw
        host = {"Host": f"{self.api}.execute-api.localhost:{self.server.port}"}
        address = f"{self.server.endpoint_url}/live/any"
        request = urllib.request.Request(address, data=body, headers={**host, **(headers or {})})
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as error:
            return error.code, dict(error.headers), _read(error)


def _read(error: urllib.error.HTTPError) -> bytes:
    """The body of an error, as far as it arrives before the server closes the connection."""
    try:
        return error.read()
    except http.client.IncompleteRead as cut:
        return cut.partial


def make_gateway(server: LocalAws, of: ClientOf, name: str, function: str, role: str = "") -> Gateway:
    """Create the API; without a role, the function's own policy has to let it in."""
    gateway = of("apigateway")
    api = gateway.create_rest_api(name=name)["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    child = gateway.create_resource(restApiId=api, parentId=root, pathPart="{proxy+}")["id"]
    where = {"restApiId": api, "resourceId": child, "httpMethod": "ANY"}
    gateway.put_method(**where, authorizationType="NONE")
    path = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations"
    credentials = {"credentials": role} if role else {}
    integration = {"type": "AWS_PROXY", "integrationHttpMethod": "POST", "uri": path, **credentials}
    gateway.put_integration(**where, **integration)
    gateway.create_deployment(restApiId=api, stageName="live")
    return Gateway(server, api)
