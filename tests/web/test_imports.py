"""What a new process imports before it answers, and that what it does not import yet is there."""

import os
import subprocess
import sys

import pytest
from django.urls import get_resolver

from todo_site.lazily import LazyView

VERIFYING = """
import sys, django
django.setup()
from todo_site.identity import verification
print("cryptography.x509.base" in sys.modules)
from cryptography import x509
print(x509.Name.__name__, "cryptography.x509.base" in sys.modules)
"""
FIRST_REQUEST = """
import sys, django
django.setup()
from django.test import Client
assert Client().get(sys.argv[1]).status_code == int(sys.argv[2])
print(sorted({"ninja", "pydantic", "cryptography", "tasks.api", "insights.dashboards", "pyathena"} & set(sys.modules)))
"""


def views(patterns):
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from views(pattern.url_patterns)
        else:
            yield pattern.callback


def said_by_a_new_process(script, *arguments):
    no_static_files = {"DEBUG": "true"}
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "todo_site.settings"} | no_static_files,
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines() or [done.stderr]


@pytest.mark.parametrize(("path", "status"), [("/health", 200), ("/login/", 200), ("/api/v1/tasks", 401)])
def test_it_works(path, status):
    assert said_by_a_new_process(FIRST_REQUEST, path, str(status))[-1] == "[]"


def test_certificates_are_loaded_when_they_are_used():
    assert said_by_a_new_process(VERIFYING) == ["False", "Name True"]


@pytest.mark.parametrize("urls", ["todo_site.urls", "todo_site.api_urls", "todo_site.operations.urls"])
def test_every_view_that_is_imported_later_exists(urls):
    found = [view for view in views(get_resolver(urls).url_patterns) if isinstance(view, LazyView)]
    assert len(found) > 40
    assert not [view.__qualname__ for view in found if not callable(view.target)]


def test_a_view_imported_later_needs_no_mark_for_the_middleware():
    found = views(get_resolver("todo_site.urls").url_patterns)
    assert not [
        v.__qualname__ for v in found if isinstance(v, LazyView) and vars(v.target).get("csrf_exempt")
    ]
