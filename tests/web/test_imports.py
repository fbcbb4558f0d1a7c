"""A page does not pay for the API, the admin or the dashboard's queries in a new process."""

import os
import subprocess
import sys

import pytest

FIRST_REQUEST = """
import sys, django
django.setup()
from django.test import Client
headers = {"Authorization": "Bearer x"} if "token" in sys.argv else {}
assert Client().get(sys.argv[1], headers=headers).status_code == int(sys.argv[2])
parts = {"ninja", "pyathena", "duckdb", "icalendar", "jwt", "cryptography.fernet", "todo_site.urls"}
print(sorted(parts & set(sys.modules)))
"""


def printed_by_a_new_process(script, *arguments):
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "todo_site.settings", "DEBUG": "true"},
        capture_output=True,
        text=True,
    )
    return done.stdout.splitlines() or [done.stderr]


@pytest.mark.parametrize(
    ("path", "status", "loaded"),
    [("/health", 200, ["todo_site.urls"]), ("/login/", 200, ["todo_site.urls"]), ("/api/v1/tasks", 401, [])],
)
def test_a_first_request_leaves_other_parts_alone(path, status, loaded):
    assert printed_by_a_new_process(FIRST_REQUEST, path, str(status))[-1] == str(loaded)


def test_a_first_request_with_a_token_leaves_pages_alone():
    printed = printed_by_a_new_process(FIRST_REQUEST, "/api/v1/tasks", "401", "token")
    assert printed[-1] == "['jwt', 'ninja']"
