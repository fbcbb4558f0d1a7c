"""An answer as Zappa and Lambda's runtime serialise it for API Gateway."""

import base64
import json

from web.answers import TEXT_TYPES


def document(answer) -> bytes:
    """Return the JSON document that Lambda would return for ``answer``.

    As of ``zappa.handler``: the body is base64 if it has a Content-Encoding or is no text, and each header comes twice.
    """
    packed = "Content-Encoding" in answer or not answer.get("Content-Type", "").startswith(TEXT_TYPES)
    body = base64.b64encode(answer.content).decode() if packed else answer.content.decode()
    pairs = [*answer.items(), *(("Set-Cookie", cookie.OutputString()) for cookie in answer.cookies.values())]
    headers = {"X-Request-ID": "0" * 128, "Content-Security-Policy": "x" * 300, **dict(pairs)}
    many = {name: [value for other, value in pairs if other == name] for name in headers}
    found = {"statusCode": answer.status_code, "headers": headers, "multiValueHeaders": many, "body": body}
    return json.dumps(found | ({"isBase64Encoded": True} if packed else {}), ensure_ascii=False).encode()
