"""Static files: WhiteNoise, which looks at them when the first of them is asked for, not when the process starts."""

import threading
from functools import partial

from django.http import HttpRequest, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Answers requests below WHITENOISE_STATIC_PREFIX; every other request passes without the files being read."""

    def __init__(self, get_response: object) -> None:
        self._unread: list[partial[None]] = []
        self._lock = threading.Lock()
        super().__init__(get_response)

    def add_files(self, root: str, prefix: str | None = None) -> None:
        """Note a folder to be read later."""
        self._unread.append(partial(super().add_files, root, prefix))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Handle one request."""
        asked = request.path_info.startswith(self.static_prefix)
        if asked:
            self._read()
        answer: HttpResponseBase = super().__call__(request) if asked else self.get_response(request)
        return answer

    def _read(self) -> None:
        with self._lock:
            while self._unread:
                self._unread[0]()
                del self._unread[0]
