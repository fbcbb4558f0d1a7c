"""What a page of the dashboard costs: AWS calls, Athena queries, bytes; cold, warm, and warm in another process.

`.venv/bin/python -m bench.insights` starts a local AWS of its own, publishes a made-up workspace of 24 people and about
1,300 tasks, and asks the site for its pages as a manager's browser does. Calls are counted at botocore; bytes are the
HTML with all data, gzip at its default level, without static files. What a process reads now and then, whoever asks
(who was signed out, which a thread of its own asks for; a manager's groups: once a minute), is read just before.
"""

from __future__ import annotations

import gzip
import os
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

from tests.local_aws import PLACEHOLDERS, free_port

PATHS = ("/insights/?days=30", "/insights/?days=180", "/insights/?days=90&category=Support", "/insights/me/")


def main() -> int:
    """Print the table."""
    from localcloud.provision import provision
    from localcloud.server import LocalAws

    with tempfile.TemporaryDirectory() as folder:
        server = LocalAws(Path(folder) / "aws", free_port())
        server.start()
        try:
            os.environ.update(PLACEHOLDERS | provision(server.endpoint_url, Path(folder)))
            os.environ.update(ENVIRONMENT="test", STATIC_ROOT=f"{folder}/static")
            os.environ["DJANGO_SETTINGS_MODULE"] = "todo_site.settings"
            _measure()
        finally:
            server.kill()
    return 0


def _measure() -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("collectstatic", interactive=False, verbosity=0)
    from django.conf import settings

    settings.INSIGHTS_PAGE_SECONDS = 60
    settings.REVOCATIONS_SECONDS = 3600
    _publish()
    browser = _browser()
    print("| page | state | AWS calls | Athena queries | HTML | compressed |\n|---|---|---|---|---|---|")
    for path in PATHS:
        for state in ("cold", "warm", "warm, new process"):
            if state == "warm, new process":
                _forget()
            calls, body = _visit(browser, path)
            athena = calls["StartQueryExecution"]
            size, packed = len(body), len(gzip.compress(body))
            total = "" if state == "cold" else _named(calls)
            print(f"| `{path}` | {state} | {total} | {athena} | {size:,} | {packed:,} |")
    plotly = next(Path(settings.STATIC_ROOT).glob("vendor/plotly-cartesian.min.*.js.gz"), None)
    if plotly:
        print(f"\nPlotly.js, once: {plotly.stat().st_size:,} bytes compressed")


def _publish() -> None:
    from tests.insights.lake import Lake, busy_workspace

    Lake().publish(busy_workspace(days=130))


def _browser() -> Any:
    import boto3
    from django.conf import settings
    from django.test import Client

    from todo_site.identity.users import Person
    from todo_site.sessions import SessionStore

    cognito, pool = boto3.client("cognito-idp"), settings.USER_POOL_ID
    cognito.admin_create_user(UserPoolId=pool, Username="eva", MessageAction="SUPPRESS")
    cognito.admin_add_user_to_group(UserPoolId=pool, Username="eva", GroupName="managers")
    person = Person("user-07", "eva@example.com", "eva", "Eva", frozenset({"managers"}))
    session = SessionStore()
    session["person"] = person.to_session()
    session.save()
    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = session.session_key
    return browser


def _forget() -> None:
    from insights import cache

    cache.memory.clear()


def _visit(browser: Any, path: str) -> tuple[Counter[str], bytes]:
    from botocore.client import BaseClient

    calls: Counter[str] = Counter()
    original = BaseClient._make_api_call  # noqa: SLF001

    def count(self: Any, operation: str, arguments: Any) -> Any:
        calls[operation] += 1
        return original(self, operation, arguments)

    browser.get("/login/")  # signed in already: reads what a process reads now and then, and goes elsewhere
    with mock.patch.object(BaseClient, "_make_api_call", count):
        answer = browser.get(path)
    assert answer.status_code == 200, answer.status_code
    return calls, answer.content


def _named(calls: Counter[str]) -> str:
    return f"{calls.total()} ({', '.join(sorted(calls.elements()))})"


if __name__ == "__main__":
    sys.exit(main())
