"""The whole site on a port of its own, for real browsers; used by the journeys and by ``make screenshots``."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def serving() -> Iterator[str]:
    """Serve the site from threads of this process; yields its address."""
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler

    from todo_site.wsgi import application

    class Quiet(WSGIRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


ARGUMENTS = [
    "--no-sandbox",
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SIZES = {"wide": {"width": 1280, "height": 800}, "narrow": {"width": 390, "height": 844}}
# The headless shell is the same engine without windows: a page costs a third of the processor time. `make test-long`
# takes the browser that people use.
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or "/usr/bin/chromium"
BROWSER_TIMEOUT_MS = 30_000  # for a machine that is busy; on a quiet one everything is there at once
