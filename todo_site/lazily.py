"""Views and URLs that are imported by the first request for them.

A new process answers its first visitor after importing what that visitor asked for, instead of every page, the API
and all that these need. Names of views and of URLs stay known at once, so pages can link to what is not imported yet.
"""

import functools
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.util import LazyLoader, find_spec, module_from_spec
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

GetResponse = Callable[[HttpRequest], HttpResponse]
View = Callable[..., HttpResponseBase]


class LazyView:
    """One view; ``target`` imports it.

    Decorators that leave a mark for the middleware (``csrf_exempt``) have no effect on a view behind this one.
    """

    def __init__(self, module: str, name: str) -> None:
        self.__module__, self.__name__, self.__qualname__ = module, name, name

    @functools.cached_property
    def target(self) -> View:
        """The view itself; AttributeError or ImportError where there is none."""
        found: View = getattr(import_module(self.__module__), self.__name__)
        return found

    def __call__(self, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answer the request as the view does."""
        return self.target(*args, **kwargs)


class LazyViews:
    """The views of a module, as its attributes: ``LazyViews("tasks.views").task_list``."""

    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> View:
        return LazyView(self._module, name)


class UrlsMiddleware:
    """Gives requests below the prefixes of ``settings.LAZY_URLS`` their own URLs."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle one request."""
        urls = settings.LAZY_URLS.get(request.path_info.split("/", 2)[1])
        if urls:
            request.urlconf = urls
        return self.get_response(request)


def elsewhere(request: HttpRequest) -> HttpResponse:
    """Stand in for an address in the URLs that lack it, so that pages can link there."""
    raise Http404


def defer(name: str) -> None:
    """Let ``from package import module`` give a module that is only loaded when something in it is used.

    For what a library imports and we never use. Nothing happens where the module is loaded already.

    Parameters
    ----------
    name
        Of the module, with its package; ModuleNotFoundError where there is none.
    """
    if name in sys.modules:
        return
    package, _, own = name.rpartition(".")
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(name)
    spec.loader = LazyLoader(spec.loader)
    sys.modules[name] = module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])
    setattr(sys.modules[package], own, sys.modules[name])
