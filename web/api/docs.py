"""``/api/docs``: the document to read and to try, without any other host.

Swagger UI comes with django-ninja. Its two files are served from there, under an address that changes with them.
"""

import gzip
import hashlib
from functools import cache
from pathlib import Path

import ninja
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

_FILES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_FOR_EVER = "public, max-age=31536000, immutable"


@cache
def _compressed(name: str) -> tuple[bytes, str]:
    """Return the gzipped file, and what stands for its content in addresses."""
    content = (Path(ninja.__file__).parent / "static" / "ninja" / name).read_bytes()
    # The map of the source is not served.
    content = content.partition(b"\n//# sourceMappingURL=")[0].partition(b"\n/*# sourceMappingURL=")[0]
    return gzip.compress(content, 9, mtime=0), hashlib.sha256(content).hexdigest()[:12]


def _address(name: str) -> str:
    return reverse("api-docs-file", args=[_compressed(name)[1], name])


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the documentation page."""
    script, style = (_address(name) for name in _FILES)
    return render(request, "api/docs.html", {"script": script, "style": style})


@require_safe
def file(request: HttpRequest, version: str, name: str) -> HttpResponse:
    """Answer with a file of Swagger UI. All browsers accept gzip; there is no other form of it."""
    if name not in _FILES or version != _compressed(name)[1]:
        raise Http404
    headers = {"Content-Encoding": "gzip", "Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"}
    return HttpResponse(_compressed(name)[0], content_type=_FILES[name], headers=headers)
