"""``make screenshots``: every page at both sizes and in both themes, as PNG files in ``build/screenshots``.

It runs the site and a local AWS of its own; nothing that is running is touched.
"""

import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from tests import local_aws
from tests.screenshot_states import ACTS, README_ACTS, SIGNED_OUT_ACTS
from tests.web.site import ARGUMENTS, CHROMIUM, SIZES, serving
from tests.web.writes import writes_of

OUT = Path("build/screenshots")
PASSWORD = "Correct-horse-9"
SIGNED_OUT = {
    "sign-in": "/login/",
    "sign-up": "/sign-up/",
    "forgotten": "/password/forgotten/",
    "privacy": "/privacy/",
}
SIGNED_IN = {
    "list": "/",
    "list-done": "/?view=done",
    "list-all": "/?view=all",
    "search": "/?q=priority%3E%3Dhigh",
    "search-wrong": "/?q=status:odd",
    "selecting": "/?select=1",
    "board": "/board/",
    "month": "/calendar/",
    "week": "/calendar/?week=",
    "trash": "/trash/",
    "task": "/tasks/{task}/",
    "account": "/account/",
    "email": "/account/email/",
    "security": "/account/security/",
    "second-factor": "/account/security/second-factor/",
    "access": "/account/access/",
    "data": "/account/data/",
    "not-found": "/nowhere/",
    "styleguide": "/styleguide/",
}
# The best of these are in docs/images.
README = {"readme-list": "/", "readme-board": "/board/", "readme-month": "/calendar/"}
EMPTY = {"empty-list": "/", "empty-board": "/board/", "empty-trash": "/trash/", "empty-done": "/?view=done"}


def main(wanted: list[str]) -> None:
    """Render the pages called ``wanted``, or all of them."""
    local_aws._start()  # it clears the environment
    os.environ["DJANGO_SETTINGS_MODULE"] = "todo_site.settings"
    os.environ["STATIC_ROOT"] = mkdtemp()
    import django

    django.setup()
    from django.core.management import call_command

    from web import athena

    athena.run = writes_of  # a task's history; the dashboards have pictures of their own
    call_command("collectstatic", interactive=False, verbosity=0)
    try:
        full, task = _person("Alice", filled=True)
        shown, _ = _person("Ada", filled=True, odd=False)
        empty, _ = _person("Bob", filled=False)
        with serving() as site:
            _render(site, full, empty, task, wanted, shown)
    finally:
        local_aws.pytest_unconfigure()


def _person(name: str, *, filled: bool, odd: bool = True) -> tuple[str, str]:
    from store.request_context import RequestContext
    from tests.roles import OWNER
    from tests.web import workspace

    email = f"{name.lower()}@example.com"
    cognito, pool = OWNER.client("cognito-idp"), os.environ["USER_POOL_ID"]
    attributes = {"email": email, "email_verified": "true", "name": f"{name} Example", "given_name": name}
    answer = cognito.admin_create_user(
        UserPoolId=pool,
        Username=f"{name.lower()}-x",
        MessageAction="SUPPRESS",
        UserAttributes=[{"Name": key, "Value": value} for key, value in attributes.items()],
    )
    cognito.admin_set_user_password(
        UserPoolId=pool, Username=f"{name.lower()}-x", Password=PASSWORD, Permanent=True
    )
    sub = next(a["Value"] for a in answer["User"]["Attributes"] if a["Name"] == "sub")

    def context(number: int) -> RequestContext:
        moment = datetime.now(UTC) - timedelta(hours=5) + timedelta(minutes=number)
        return RequestContext(sub, sub, f"screenshots-{number}", moment)

    return email, workspace.fill(context(0), context, odd=odd) if filled else ""


def _render(site: str, full: str, empty: str, task: str, wanted: list[str], shown: str) -> None:
    from django.conf import settings
    from playwright.sync_api import sync_playwright

    OUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for person, pages in (("", SIGNED_OUT), (full, SIGNED_IN), (shown, README), (empty, EMPTY)):
            chosen = {name: path for name, path in pages.items() if not wanted or name in wanted}
            acts = {"": SIGNED_OUT_ACTS, full: ACTS, shown: README_ACTS}.get(person, {})
            if not chosen and not (acts.keys() & set(wanted) or not wanted):
                continue
            context = browser.new_context(base_url=site)
            page = context.new_page()
            if person:
                page.goto("/login/")
                page.fill("#id_identifier", person)
                page.fill("#id_password", PASSWORD)
                page.click("button.button-primary")
                page.wait_for_selector("#view")
            for name, path in chosen.items():
                settings.DEBUG = name == "styleguide"
                page.goto(path.format(task=task))
                _taken(page, name)
            for name, (path, act) in acts.items():
                if not wanted or name in wanted:
                    _acted(page, name, path.format(task=task), act)
            context.close()
        browser.close()
    print(f"{len(list(OUT.glob('*.png')))} pictures in {OUT}")


def _taken(page: Any, name: str) -> None:
    for size, viewport in SIZES.items():
        for theme in ("light", "dark"):
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme=theme, reduced_motion="reduce")
            page.wait_for_timeout(150)
            page.screenshot(path=OUT / f"{name}-{size}-{theme}.png", full_page=True)


def _acted(page: Any, name: str, path: str, act: Callable[[Any], Any]) -> None:
    """Do it in a wide window, then take the pictures; the page is left as it was."""
    page.set_viewport_size(SIZES["wide"])
    page.goto(path)
    page.wait_for_load_state()
    act(page)
    page.wait_for_timeout(600)
    _taken(page, name)
    page.emulate_media(media="screen")
    page.context.clear_cookies(name="language")


if __name__ == "__main__":
    main(sys.argv[1:])
