"""A small API client over HTTP, with one connection."""

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 40  # longer than API Gateway waits for a first request
LOOPBACK = "127.0.0.1"
CLOSED = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


class SmokeError(AssertionError):
    """The site misbehaved; the message says how."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response: status, headers (names in lower case) and decoded JSON body (None without one)."""

    status: int
    headers: dict[str, str]
    body: Any


class Api:
    """A client of the API of one site, with the token of one person.

    Parameters
    ----------
    url
        Public address of the site, with its stage: `https://….amazonaws.com/dev`.
    token
        A Cognito token; empty for anonymous requests.
    """

    def __init__(self, url: str, token: str = "") -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise SmokeError(f"{url} is not the address of a site")
        self._prefix = parts.path.rstrip("/")
        self._host = parts.netloc
        self._token = token
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(place(parts.hostname), parts.port, timeout=TIMEOUT_SECONDS)

    def call(
        self, method: str, path: str, body: Any = None, *, expect: int | None = None, **headers: str
    ) -> Reply:
        """Make one request.

        Parameters
        ----------
        body
            Sent as JSON; nothing is sent for None.
        expect
            The expected status.
        headers
            More headers; `idempotency_key` is sent as `Idempotency-Key`.

        Raises
        ------
        SmokeError
            If the status is another, or the site does not answer.
        """
        data = None if body is None else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        reply = self._exchange(method, path, data, {**self._headers(data), **named})
        if expect is not None and reply.status != expect:
            raise SmokeError(
                f"{method} {path} answered {reply.status}, not {expect}; "
                f"request {reply.headers.get('x-request-id', 'unknown')}: {str(reply.body)[:500]}"
            )
        return reply

    def wait(self, path: str, seconds: float) -> None:
        """Request `path` until it answers 200: a site that was just deployed may need a while.

        Raises
        ------
        SmokeError
            If it has not after `seconds`; the message has the last failure.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.call("GET", path, expect=200)
                return
            except SmokeError:
                if time.monotonic() > deadline:
                    raise
            time.sleep(1)

    def close(self) -> None:
        """Close the connection; a later call opens it again."""
        self._connection.close()

    def _headers(self, data: bytes | None) -> dict[str, str]:
        headers = {"Host": self._host, "Accept": "application/json"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        return headers if data is None else {**headers, "Content-Type": "application/json"}

    def _exchange(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Reply:
        kept_open = self._connection.sock is not None
        try:
            return self._send(method, path, data, headers)
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            # The site may close an idle connection just when it is used again (RFC 9112, 9.3.1).
            if kept_open and isinstance(error, CLOSED) and (method == "GET" or "idempotency-key" in headers):
                return self._exchange(method, path, data, headers)
            raise SmokeError(f"{method} {self._host}{self._prefix}{path}: {error!r}") from error

    def _send(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Reply:
        self._connection.request(method, self._prefix + path, data, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        return Reply(
            answer.status, {name.lower(): value for name, value in answer.getheaders()}, _decoded(text)
        )


def place(hostname: str) -> str:
    """Resolve names under `localhost` to this machine (RFC 6761), which not every resolver does."""
    return LOOPBACK if hostname == "localhost" or hostname.endswith(".localhost") else hostname


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text.decode(errors="replace")
