"""What a new process imports before it answers, and that what it does not import yet is there."""

import os
import subprocess
import sys

import pytest
from django.urls import get_resolver

from todo_site.lazily import LazyView

FIRST_REQUEST = """
import sys, django
django.setup()
from django.test import Client
assert Client().get(sys.argv[1]).status_code == int(sys.argv[2])
print(sorted({"ninja", "pydantic", "cryptography", "tasks.api", "insights.boards", "pyathena"} & set(sys.modules)))
"""


def views(patterns):
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            yield from views(pattern.url_patterns)
        else:
            yield pattern.callback


@pytest.mark.parametrize(("path", "status"), [("/health", 200), ("/login/", 200), ("/api/v1/tasks", 401)])
def test_it_works(path, status):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "todo_site.settings",
        "DEBUG": "true",
    }  # no static files
    done = subprocess.run(
        [sys.executable, "-c", FIRST_REQUEST, path, str(status)],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.stdout.splitlines()[-1:] == ["[]"], done.stdout + done.stderr


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
