"""S3 over HTTP in front of a folder: for a process that reads the same objects as files, as Spark does here.

The local AWS keeps its objects to itself. What Spark writes must be listed by S3, and what S3 is sent must be read by
Spark: both see one folder.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from botocore.exceptions import ClientError

from tests.etl.folder import FolderS3

STATUS = {"NoSuchKey": 404, "PreconditionFailed": 412}


class Handler(BaseHTTPRequestHandler):
    """What the lake asks of S3, path style."""

    protocol_version = "HTTP/1.1"
    held: FolderS3

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _place(self) -> tuple[str, str, dict[str, str]]:
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        query = parse_qs(parts.query, keep_blank_values=True)
        return bucket, key, {name: values[0] for name, values in query.items()}

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _refuse(self, error: ClientError) -> None:
        code = error.response["Error"]["Code"]
        self._answer(STATUS[code], f"<Error><Code>{code}</Code></Error>".encode())

    def do_GET(self) -> None:
        """An object, or a list of them."""
        bucket, key, query = self._place()
        if not key:
            self._list(bucket, query)
            return
        try:
            found = self.held.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            self._refuse(error)
            return
        with found["Body"] as body:
            self._answer(200, body.read(), ETag=f'"{found["ETag"]}"')

    do_HEAD = do_GET  # noqa: N815  the name that http.server looks for

    def _list(self, bucket: str, query: dict[str, str]) -> None:
        (page,) = self.held.paginate(
            Bucket=bucket, Prefix=query.get("prefix", ""), StartAfter=query.get("start-after", "")
        )
        rows = [
            f"<Contents><Key>{escape(entry['Key'])}</Key><Size>{entry['Size']}</Size></Contents>"
            for entry in page["Contents"]
        ]
        inside = f"<IsTruncated>false</IsTruncated>{''.join(rows)}"
        self._answer(200, f"<ListBucketResult>{inside}</ListBucketResult>".encode())

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers["Content-Length"]))

    def do_PUT(self) -> None:
        """Write an object, on its condition."""
        bucket, key, _ = self._place()
        conditions = {
            "IfMatch": self.headers.get("If-Match", "").strip('"'),
            "IfNoneMatch": self.headers.get("If-None-Match", ""),
        }
        try:
            reply = self.held.put_object(Bucket=bucket, Key=key, Body=self._body(), **conditions)
        except ClientError as error:
            self._refuse(error)
            return
        self._answer(200, ETag=f'"{reply["ETag"]}"')

    def do_POST(self) -> None:
        """Delete several."""
        bucket, _, _ = self._place()
        wanted = ET.fromstring(self._body()).iterfind(".//{*}Key")
        self.held.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key.text} for key in wanted]})
        self._answer(200, b"<DeleteResult/>")


def serve(root: Path) -> tuple[ThreadingHTTPServer, str]:
    """Start serving a folder, buckets are folders in it; the server, to be shut down, and its URL."""
    handler = type("Served", (Handler,), {"held": FolderS3(root)})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server, f"http://127.0.0.1:{server.server_port}"
