"""Static files where no CloudFront serves them: WhiteNoise, which scans its folders at the first request for one."""

import threading
from functools import partial

from django.http import HttpRequest, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFilesMiddleware(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Answers requests below STATIC_URL; other requests do not cause the folders to be scanned."""

    def __init__(self, get_response: object) -> None:
        self._unscanned: list[partial[None]] = []
        self._lock = threading.Lock()
        super().__init__(get_response)

    def add_files(self, root: str, prefix: str | None = None) -> None:
        """Remember a folder to scan later."""
        self._unscanned.append(partial(super().add_files, root, prefix))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Handle one request."""
        is_static = request.path_info.startswith(self.static_prefix)
        if is_static:
            self._scan()
        answer: HttpResponseBase = super().__call__(request) if is_static else self.get_response(request)
        return answer

    def _scan(self) -> None:
        with self._lock:
            while self._unscanned:
                self._unscanned[0]()
                del self._unscanned[0]
