"""CloudFront's requests to our gateway and buckets.

Hole closed: ministack serves a distribution (behaviours, policies, functions), but answers 502 for an origin that is a
gateway at AWS's host name, keeps paths such as `/health` to itself, and knows only viewers who say themselves that they
use TLS. Here the request goes to the emulated gateway, a distribution's host has all its paths, and every viewer counts
as using TLS, as in `tls`. Not emulated: caching and compression at the edge.
"""

import re
from collections.abc import Callable
from typing import Any

from ministack import app as ministack_app
from ministack.services import cloudfront

from localcloud.aws.protocol import Response

_GATEWAY = re.compile(r"([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com")


def install() -> None:
    """Patch how viewers are served, and how origins are asked."""
    serve: Callable[..., Any] = cloudfront.handle_viewer_request
    fetch: Callable[..., Any] = cloudfront._fetch_from_origin

    async def serve_over_tls(
        distribution: dict[str, Any],
        method: str,
        path: str,
        raw_uri: str,
        query: str,
        headers: Any,
        *more: Any,
    ) -> Response:
        secure = {**headers, "x-forwarded-proto": "https"}
        answer: Response = await serve(distribution, method, path, raw_uri, query, secure, *more)
        return answer

    async def fetch_from_gateway(
        origin: dict[str, Any], method: str, uri: str, query: str, headers: Any, body: bytes, *more: Any
    ) -> tuple[int, str, dict[str, Any], bytes]:
        found = _GATEWAY.fullmatch(origin["domain_name"])
        if found is None:
            return await fetch(origin, method, uri, query, headers, body, *more)  # type: ignore[no-any-return]
        _, client_ip, forwarded_for, _ = more
        given = cloudfront._origin_request_headers(origin, headers, client_ip, forwarded_for)
        lower = {name.lower(): value for name, value in given.items()}
        raw = origin["origin_path"] + uri
        status, answered, content = await ministack_app._handle_execute_api_request(
            f"{found[1]}.execute-api.{ministack_app._MINISTACK_HOST}",
            cloudfront.unquote(raw),
            method,
            lower,
            body,
            cloudfront.parse_qs(query, keep_blank_values=True),
            raw_path=raw,
            raw_query_string=query,
        )
        pairs = [
            (name, each)
            for name, value in answered.items()
            for each in (value if isinstance(value, list) else [value])
        ]
        return status, "", cloudfront._multidict_from_pairs(pairs), content

    for name in ("_handle_pre_body_request", "_handle_post_body_shortcuts"):
        setattr(ministack_app, name, _not_for_viewers(getattr(ministack_app, name)))
    cloudfront.handle_viewer_request = serve_over_tls
    cloudfront._fetch_from_origin = fetch_from_gateway


def _not_for_viewers(handle: Callable[..., Any]) -> Callable[..., Any]:
    """Return the handler of ministack's own paths, which leaves the requests of viewers alone."""

    async def handle_others(method: str, path: str, headers: dict[str, str], *more: Any) -> Any:
        if ministack_app._parse_cloudfront_dataplane_host(headers.get("host", "")) is not None:
            return None
        return await handle(method, path, headers, *more)

    return handle_others
