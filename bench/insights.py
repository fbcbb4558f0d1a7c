"""AWS calls, Athena queries and bytes of a dashboard page: cold, warm, and warm in another process.

`.venv/bin/python -m bench.insights` starts a local AWS, publishes a made-up workspace of 24 people and about 1,300
tasks, and requests the site's pages as a manager's browser does. Calls are counted at botocore; bytes are the HTML with
all data, gzipped at the default level, without static files. Periodic reads of a process (revocations, which have their
own thread, and a manager's groups, once a minute) happen before the count.

`--people 100000` uses a large workspace (`bench.large_workspace`), whose Gold the lake's own step makes;
`--pictures FOLDER` takes pictures of its page. The milliseconds of a question are Athena's for its query alone.
"""

import argparse
import gzip
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from unittest import mock

from bench.local import local_aws

PATHS = ("/insights/?days=30", "/insights/?days=180", "/insights/?days=90&category=Support", "/insights/me/")


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument(
        "--people", type=int, default=0, help="size of a large workspace; default: the small one"
    )
    parser.add_argument("--pictures", type=Path, help="folder for pictures of the page")
    options = parser.parse_args()
    with local_aws():
        _measure(options.people, options.pictures)
    return 0


def _measure(people: int, pictures: Path | None) -> None:
    import django
    from django.core.management import call_command

    django.setup()
    call_command("collectstatic", interactive=False, verbosity=0)
    from django.conf import settings

    from insights import cache

    settings.INSIGHTS_PAGE_SECONDS = settings.INSIGHTS_QUERY_SECONDS = 300
    settings.REVOCATIONS_SECONDS = 3600
    _publish(people)
    browser = _browser()
    if people:
        _questions()
    print("| page | state | AWS calls | Athena queries | HTML | compressed |\n|---|---|---|---|---|---|")
    for path in PATHS:
        for state in ("cold", "warm", "warm, new process"):
            if state == "warm, new process":
                cache.memory.clear()
            calls, body = _visit(browser, path)
            athena = calls["StartQueryExecution"]
            size, packed = len(body), len(gzip.compress(body))
            named = f"{calls.total()} ({', '.join(sorted(calls.elements()))})"
            total = "" if state == "cold" else named
            print(f"| `{path}` | {state} | {total} | {athena} | {size:,} | {packed:,} |", flush=True)
    plotly = next(Path(settings.STATIC_ROOT).glob("vendor/plotly-cartesian.min.*.js.gz"), None)
    if plotly:
        print(f"\nPlotly.js, once: {plotly.stat().st_size:,} bytes compressed")
    if pictures:
        _take(pictures, browser.cookies[settings.SESSION_COOKIE_NAME].value)


def _publish(people: int) -> None:
    from bench import large_workspace
    from tests.insights.lake import NOW, Lake, busy_workspace

    if not people:
        Lake().publish(busy_workspace(days=130))
        return
    began = time.monotonic()
    files, rows = large_workspace.published(people, NOW)
    kept = {name: f"{rows[name]:,}" for name in ("user_analytics", "task_facts", "change_facts")}
    print(
        f"Gold in {time.monotonic() - began:.0f} s: {kept}; {sum(map(len, files.values())):,} bytes",
        flush=True,
    )
    Lake().publish_files(files, NOW)


def _questions() -> None:
    """Run the queries that a page runs in parallel one after the other, and print the cost of each."""
    from insights import pages
    from insights.dashboards import EVERYBODY
    from insights.filters import State
    from web import athena

    snapshot = athena.current_snapshot()
    assert snapshot
    print("| question | milliseconds | of 180 days | rows | bytes of Parquet |\n|---|---|---|---|---|")
    spans = [pages.page_keys(EVERYBODY, State(days), snapshot) for days in (30, 180)]
    for keys in zip(*spans, strict=True):
        short, long = (athena.run(key.sql, key.values, timeout=300) for key in keys)
        cost = (
            f"{short.milliseconds:,} | {long.milliseconds:,} | {len(short.rows):,} | {short.bytes_scanned:,}"
        )
        print(f"| {keys[0].slug} | {cost} |", flush=True)


def _browser() -> Any:
    import boto3
    from django.conf import settings
    from django.test import Client

    from identity.sessions import SessionStore
    from identity.users import Person

    cognito, pool = boto3.client("cognito-idp"), settings.USER_POOL_ID
    cognito.admin_create_user(UserPoolId=pool, Username="eva", MessageAction="SUPPRESS")
    cognito.admin_add_user_to_group(UserPoolId=pool, Username="eva", GroupName="managers")
    person = Person("user-07", "eva@example.com", "eva", "Eva", frozenset({"managers"}))
    session = SessionStore()
    session["person"] = person.to_session()
    session.save()
    browser = Client()
    browser.cookies[settings.SESSION_COOKIE_NAME] = str(session.session_key)
    return browser


def _visit(browser: Any, path: str) -> tuple[Counter[str], bytes]:
    from botocore.client import BaseClient

    calls: Counter[str] = Counter()
    original = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001  the stubs leave it out

    def count(self: Any, operation: str, arguments: Any) -> Any:
        calls[operation] += 1
        return original(self, operation, arguments)

    browser.get("/login/")  # redirects, and triggers the periodic reads
    with mock.patch.object(BaseClient, "_make_api_call", count):
        answer = browser.get(path)
    assert answer.status_code == 200, answer.status_code
    return calls, answer.content


def _take(folder: Path, signed_in: str) -> None:
    """Take pictures of the manager's page at both sizes and in both themes."""
    from django.conf import settings
    from playwright.sync_api import sync_playwright

    from tests.web.site import ARGUMENTS, CHROMIUM, SIZES, serving

    folder.mkdir(parents=True, exist_ok=True)
    with serving() as site, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for size, viewport in SIZES.items():
            for theme in ("light", "dark"):
                context = chromium.new_context(
                    base_url=site,
                    viewport={"width": viewport["width"], "height": viewport["height"]},
                    color_scheme=theme,
                )
                context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": signed_in, "url": site}])
                page = context.new_page()
                page.goto("/insights/?days=180")
                page.wait_for_function("!document.querySelector('.chart:not([data-drawn])')")
                page.screenshot(path=folder / f"insights-{size}-{theme}.png", full_page=True)
                context.close()
        chromium.close()


if __name__ == "__main__":
    sys.exit(main())
