"""``/api/docs``: Swagger UI, which comes with django-ninja, served without any other host.

The addresses of its two files change with their content.
"""

import gzip
import hashlib
from functools import cache
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

_FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_IMMUTABLE = "public, max-age=31536000, immutable"


@cache
def _compressed(name: str) -> tuple[bytes, str]:
    """Return the gzipped file and the hash of its content, for its address."""
    import ninja  # imported here: this module is among the URLs of the pages

    content = (Path(ninja.__file__).parent / "static" / "ninja" / name).read_bytes()
    # The source map that the file refers to is not served.
    content = content.partition(b"\n//# sourceMappingURL=")[0].partition(b"\n/*# sourceMappingURL=")[0]
    return gzip.compress(content, 9, mtime=0), hashlib.sha256(content).hexdigest()[:12]


def _address(name: str) -> str:
    return reverse("api-docs-file", args=[_compressed(name)[1], name])


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the documentation page."""
    script, style = (_address(name) for name in _FILES)
    document = reverse("api:openapi-json", settings.URLS_BY_PREFIX["/api"])
    return render(request, "api/docs.html", {"script": script, "style": style, "document": document})


@require_safe
def file(request: HttpRequest, version: str, name: str) -> HttpResponse:
    """Answer with a file of Swagger UI, gzipped: all browsers accept that."""
    if name not in _FILES or version != _compressed(name)[1]:
        raise Http404
    headers = {"Content-Encoding": "gzip", "Cache-Control": _IMMUTABLE, "Vary": "Accept-Encoding"}
    return HttpResponse(_compressed(name)[0], content_type=_FILES[name], headers=headers)
