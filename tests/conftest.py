"""Fixtures that every test may use: three people, their browsers and their tokens."""

from __future__ import annotations

import itertools
import os
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import hypothesis
import pytest
from django.core.management import call_command
from django.test import Client, override_settings
from django.utils import translation
from playwright.sync_api import expect, sync_playwright

from localcloud import bootstrap
from tests import slices
from tests.roles import OWNER
from tests.web.site import ARGUMENTS, BROWSER_TIMEOUT_MS, CHROMIUM

# How long an example takes says something about the machine, not about the code.
hypothesis.settings.register_profile(
    "project", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("project")

PASSWORD = "Correct-horse-9"
_count = itertools.count()


@dataclass(frozen=True)
class Account:
    """A Cognito user made for one test."""

    id: str
    email: str
    username: str
    name: str
    groups: tuple[str, ...] = ()
    password: str = PASSWORD


def pytest_configure(config: pytest.Config) -> None:
    """Compile the translations if they changed since the last `make`, once for all workers."""
    if not hasattr(config, "workerinput") and not bootstrap.translations_ready():
        bootstrap.compile_translations()


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Two workers more than cores, for a third of the time tests wait for servers and browsers.

    Not for those of `make test-long`: each of them keeps a machine busy.
    """
    return None if config.option.markexpr.startswith("long") else (os.cpu_count() or 1) + 2


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Try a browser test that fails in continuous integration once more, and report that it was.

    A busy machine can starve Chromium. Nothing else is tried twice, and nowhere else: a failure is a defect.
    """
    slices.leave_out(items)
    if "CI" in os.environ:
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session", autouse=True)
def static_files(tmp_path_factory):
    """The hashed static files that templates link to, collected once as a deployment does."""
    with override_settings(STATIC_ROOT=tmp_path_factory.mktemp("static")):
        call_command("collectstatic", interactive=False, verbosity=0)
        yield


@pytest.fixture(autouse=True)
def english():
    """A request for a page in another language leaves that language to whatever this thread does next."""
    yield
    translation.activate("en")


@pytest.fixture(autouse=True)
def forgotten():
    """What was read for one test is not known in the next, which may have another clock; nothing is read ahead."""
    yield
    from identity import revocations, roles, workspace

    roles.groups.clear()
    workspace.cached.clear()
    revocations.cached.clear()


@pytest.fixture(scope="session")
def chromium():
    """One Chromium for all browser tests of this process: Playwright cannot be started twice in one."""
    # Playwright's loop stays running in this thread; without this Django refuses to commit beside it.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    expect.set_options(timeout=BROWSER_TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def cognito():
    return OWNER.client("cognito-idp")


@pytest.fixture
def make_account(cognito) -> Callable[..., Account]:
    """Return a function that signs somebody up: ``make_account("Alice", groups=("managers",))``."""

    def make(name: str, groups: tuple[str, ...] = ()) -> Account:
        username = f"{name.lower()}-{next(_count)}-{uuid.uuid4().hex[:8]}"
        email = f"{username}@example.com"
        pool = os.environ["USER_POOL_ID"]
        answer = cognito.admin_create_user(
            UserPoolId=pool,
            Username=username,
            MessageAction="SUPPRESS",
            UserAttributes=[
                {"Name": "email", "Value": email},
                {"Name": "email_verified", "Value": "true"},
                {"Name": "given_name", "Value": name},
                {"Name": "family_name", "Value": "Example"},
                {"Name": "name", "Value": f"{name} Example"},
            ],
        )
        cognito.admin_set_user_password(UserPoolId=pool, Username=username, Password=PASSWORD, Permanent=True)
        for group in groups:
            cognito.admin_add_user_to_group(UserPoolId=pool, Username=username, GroupName=group)
        attributes = {a["Name"]: a["Value"] for a in answer["User"]["Attributes"]}
        return Account(attributes["sub"], email, username, f"{name} Example", groups)

    return make


@pytest.fixture
def alice(make_account) -> Account:
    """A person with tasks of her own."""
    return make_account("Alice")


@pytest.fixture
def bob(make_account) -> Account:
    """Another person, who may see nothing of Alice's."""
    return make_account("Bob")


@pytest.fixture
def charlie(make_account) -> Account:
    """A manager."""
    return make_account("Charlie", groups=("managers",))


@pytest.fixture
def token_for(cognito) -> Callable[..., str]:
    """Return a function from an account to its Cognito token (``use`` is ``IdToken`` or ``AccessToken``)."""

    def token(account: Account, use: str = "IdToken") -> str:
        answer = cognito.initiate_auth(
            ClientId=os.environ["CLIENT_ID"],
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": account.username, "PASSWORD": account.password},
        )
        return answer["AuthenticationResult"][use]

    return token


@pytest.fixture
def api(token_for) -> Callable[[Account], Client]:
    """Return a function from an account to a test client that sends its bearer token."""

    def client(account: Account, **kwargs) -> Client:
        return Client(headers={"authorization": f"Bearer {token_for(account)}"}, **kwargs)

    return client


@pytest.fixture
def client_for() -> Callable[[Account], Client]:
    """Return a function from an account to a browser (test client) that signed in through the sign-in page."""

    def browser(account: Account, **kwargs) -> Client:
        client = Client(**kwargs)
        answer = client.post("/login/", {"identifier": account.email, "password": account.password})
        assert answer.status_code == 302, answer.content.decode()[:2000]
        return client

    return browser


@pytest.fixture
def ctx():
    """Return a function from an account (and a time) to the context in which the services act for it."""
    from store.request_context import RequestContext

    def context(account: Account, now: datetime | None = None) -> RequestContext:
        return RequestContext(
            user_id=account.id,
            updated_by=account.id,
            request_id=f"req-{uuid.uuid4().hex}",
            now=now or datetime.now(UTC),
        )

    return context
