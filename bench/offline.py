"""The web function's handler without a deployment and without AWS: its settings, a token, and a stub of AWS."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ISSUER = "https://pool.invalid"
# Run by the product's Python, prints JSON: the pool's public key, and a token for COLLECT_ENVIRONMENT's client.
SIGN = f"""
import json, time, jwt
from cryptography.hazmat.primitives.asymmetric import rsa
key, now = rsa.generate_private_key(65537, 2048), int(time.time())
claims = {{"iss": "{ISSUER}", "sub": "0199d3a4-6f2e-7c41-9b1d-3f5a8e6c2d10", "username": "ann"}}
claims |= {{"token_use": "access", "client_id": "unset", "iat": now, "exp": now + 3600}}
public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {{"kid": "1"}}
print(json.dumps([public, jwt.encode(claims, key, "RS256", headers={{"kid": "1"}})]))
"""
# The settings that Zappa writes into the zip.
ZAPPA_SETTINGS = """
LOG_LEVEL = "WARNING"; PROJECT_NAME = "todo"; API_STAGE = "dev"; DOMAIN = None; DEBUG = False
BINARY_SUPPORT = True; BASE_PATH = None; ENVIRONMENT_VARIABLES = {}; CONTEXT_HEADER_MAPPINGS = {}
COGNITO_TRIGGER_MAPPING = {}; AWS_EVENT_MAPPING = {}; EXCEPTION_HANDLER = None; AWS_BOT_EVENT_MAPPING = {}
AUTHORIZER_FUNCTION = None; ADDITIONAL_TEXT_MIMETYPES = []; APP_TYPE = "wsgi"
DJANGO_SETTINGS = "%s"; APP_MODULE = "%s"; APP_FUNCTION = "application"
"""


def event(path: str, token: str = "") -> dict[str, Any]:
    """Return API Gateway's event for a GET request, with a bearer token if there is one."""
    headers = {"Host": "site.invalid", "X-Forwarded-Proto": "https", "Accept": "*/*"}
    headers |= {"Authorization": f"Bearer {token}"} if token else {}
    return {
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": "GET",
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": None,
        "multiValueQueryStringParameters": None,
        "body": None,
        "isBase64Encoded": False,
        "requestContext": {
            "stage": "dev",
            "path": f"/dev{path}",
            "httpMethod": "GET",
            "resourcePath": "/{proxy+}",
            "identity": {"sourceIp": "127.0.0.1"},
        },
    }


class Aws:
    """Answers every request on 127.0.0.1: no items, the pool's public key, or new credentials.

    Attributes
    ----------
    calls
        Pairs of the caller's access key (``keys`` for the pool's keys) and the port it called from.
    environment
        The settings that lead the product here.
    """

    def __init__(self, public_key: dict[str, Any]) -> None:
        self.calls: list[tuple[str, int]] = []
        self._public_key, self._issued = public_key, 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{self._server.server_port}"
        self.environment = {
            "AWS_ENDPOINT_URL": url,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/credentials",
            "COGNITO_ISSUER": ISSUER,
            "COGNITO_JWKS_URL": f"{url}/keys",
        }

    def stop(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        aws = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # an answer in one packet, not two with a pause between them

            def do_GET(self) -> None:
                asked = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                signature = self.headers.get("Authorization", "")
                body = json.dumps(aws._answer(self.path, signature, self.client_address[1], asked)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 (http.server names it)

            def log_message(self, *_: Any) -> None:
                pass

        return Handler

    def _answer(self, path: str, signature: str, port: int, asked: bytes) -> dict[str, Any]:
        if path == "/credentials":
            self._issued += 1
            until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
            key = {"AccessKeyId": f"KEY{self._issued}", "SecretAccessKey": "x", "Token": "x"}
            return {**key, "Expiration": until}
        if path == "/keys":
            self.calls.append(("keys", port))
            return {"keys": [self._public_key]}
        self.calls.append((signature.partition("Credential=")[2].partition("/")[0], port))
        # To DynamoDB: nothing is there, and whatever is counted up is 1 now.
        names = json.loads(asked).get("ExpressionAttributeNames", {})
        counted = {name: {"N": "1"} for name in names.values()}
        return {"Items": [], "Count": 0, "ScannedCount": 0, "Attributes": counted}
