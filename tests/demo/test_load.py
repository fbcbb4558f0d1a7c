"""Loading the demo into a table: interrupted anywhere, the table ends up as the story says, to the attribute."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from itertools import count, dropwhile, pairwise

import pytest
from boto3.dynamodb.conditions import Key
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command

from localcloud.accounts import ensure_client, pool_definition
from store.errors import WriteContention
from store.request_context import RequestContext
from tasks import services
from tasks.demo import accounts
from tasks.demo.accounts import Accounts
from tasks.demo.loader import load
from tasks.demo.state import Journal, Manifest
from tasks.demo.storyline import storyline
from tests.demo.model import Model
from tests.roles import OWNER

PASSWORD = "Demo-horse-9"
PEOPLE, TASKS, MONTHS = 3, 40, 2
VERBS = {"join", "profile", "create", "update", "delete", "restore"}
# The last hour, so that the story's last deletions are still kept.
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)


def stories(events) -> dict[str, list]:
    """The events of each person."""
    return {
        email: [event for event in events if event.email == email] for email in {e.email: 0 for e in events}
    }


def in_order_of_play(events) -> list:
    """One worker plays person after person, whoever has most to do first."""
    return [event for story in sorted(stories(events).values(), key=len, reverse=True) for event in story]


def interruptions(played) -> Iterator[tuple]:
    """Pairs of an event and the next one, an update of a task of which the story tells more later."""
    for number, (before, update) in enumerate(pairwise(played)):
        later = played[number + 2 :]
        if update.verb == "update" and before.task not in {"", update.task} and later:
            others = dropwhile(lambda event, task=update.task: event.task == task, later)
            if any(event.task == update.task for event in others):
                yield before, update


def eventful(seed: int) -> bool:
    """Whether the story of this seed, which also depends on the hour, has what the tests below need."""
    played = in_order_of_play(storyline(seed, NOW, people=PEOPLE, tasks=TASKS, months=MONTHS))
    return {event.verb for event in played} == VERBS and any(interruptions(played))


SEED = next(seed for seed in count(11) if eventful(seed))
EVENTS = storyline(SEED, NOW, people=PEOPLE, tasks=TASKS, months=MONTHS)
STORIES = stories(EVENTS)
PLAYED = in_order_of_play(EVENTS)
# Of the table's own making, or checked on its own.
KEYS = {"PK", "SK", "id", "user_id", "entity_type", "updated_by", "deleted_by", "expires_at"}


class Crash(Exception):  # noqa: N818
    """Stands for the end of the process."""


class Workspace:
    """A user pool of its own, so that its people are new to the table; and the load into it."""

    def __init__(self, cognito, directory) -> None:
        self.cognito = cognito
        self.pool = cognito.create_user_pool(**pool_definition())["UserPool"]["Id"]
        self.state = directory / "local" / "demo.json"
        self.table = OWNER.resource("dynamodb").Table(django_settings.TABLE_NAME)

    def load(self, **options) -> str:
        output = StringIO()
        arguments = {
            "seed": SEED,
            "people": PEOPLE,
            "tasks": TASKS,
            "months": MONTHS,
            "now": NOW,
            "workers": 2,
        }
        call_command("load_demo", state=self.state, stdout=output, **{**arguments, **options})
        return output.getvalue()

    def user_id(self, email) -> str:
        user = self.cognito.admin_get_user(UserPoolId=self.pool, Username=email)
        return next(pair["Value"] for pair in user["UserAttributes"] if pair["Name"] == "sub")

    def items(self, kind, user_id) -> list[dict]:
        condition = Key("PK").eq(f"{kind}#{user_id}")
        return self.table.query(KeyConditionExpression=condition, ConsistentRead=True)["Items"]

    def sweep(self) -> None:
        """Remove what has expired, as the time-to-live service does when it comes round."""
        for user in self.cognito.list_users(UserPoolId=self.pool)["Users"]:
            sub = next(pair["Value"] for pair in user["Attributes"] if pair["Name"] == "sub")
            for item in self.items("TRASH", sub):
                if item["expires_at"] <= time.time():
                    self.table.delete_item(Key={"PK": item["PK"], "SK": item["SK"]})

    def assert_holds(self, events) -> None:
        """The table holds what replaying the events gives; what the trash keeps no longer may be gone."""
        model = Model(events)
        for email, profile in model.profiles.items():
            user_id = self.user_id(email)
            assert plain(self.items("USER", user_id), user_id) == [profile]
            assert plain(self.items("TASK", user_id), user_id) == by_creation(model.of(email))
            trash = self.items("TRASH", user_id)
            for item in trash:
                deleted = datetime.fromisoformat(item["deleted_at"])
                assert item["expires_at"] == int((deleted + timedelta(days=30)).timestamp())
            kept = [item for item in trash if item["expires_at"] > NOW.timestamp()]
            assert plain(kept, user_id) == by_creation(model.kept_in_trash(email, NOW))


def plain(items, user_id) -> list[dict]:
    """The items without what the table adds, in order of creation."""
    assert {item["user_id"] for item in items} <= {user_id}
    assert {item["updated_by"] for item in items} <= {user_id}
    return by_creation(
        {name: value for name, value in item.items() if name not in KEYS and not name.startswith("GSI")}
        for item in items
    )


def by_creation(items) -> list[dict]:
    return sorted(items, key=lambda item: item["created_at"])


@pytest.fixture
def workspace(cognito, tmp_path, settings, monkeypatch):
    made = Workspace(cognito, tmp_path)
    settings.USER_POOL_ID = made.pool
    monkeypatch.setenv("USER_POOL_ID", made.pool)
    monkeypatch.setenv("DEMO_PASSWORD", PASSWORD)
    monkeypatch.setattr(accounts, "boto3", OWNER)  # an operator runs it
    return made


def crash_before_line(monkeypatch, wanted):
    """Let the process end after that event was acknowledged, before its line in the journal."""
    append = Journal.append

    def failing(journal, event_id, task_id):
        if event_id == wanted:
            raise Crash
        append(journal, event_id, task_id)

    monkeypatch.setattr(Journal, "append", failing)


def test_loads_every_event(workspace):
    output = workspace.load()
    workspace.assert_holds(EVENTS)
    total = f"{len(EVENTS):,}"
    assert f"{total} of {total}" in output
    assert Manifest.read(workspace.state).loaded
    assert [path.name for path in workspace.state.parent.iterdir()] == ["demo.json"]


def test_everybody_can_sign_in_under_their_own_name(workspace, cognito):
    workspace.load()
    client = ensure_client(cognito, workspace.pool)
    for event in (event for event in EVENTS if event.verb == "join"):
        answer = cognito.initiate_auth(
            ClientId=client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": event.email, "PASSWORD": PASSWORD},
        )
        user = cognito.get_user(AccessToken=answer["AuthenticationResult"]["AccessToken"])
        attributes = {pair["Name"]: pair["Value"] for pair in user["UserAttributes"]}
        assert (attributes["name"], attributes["email_verified"]) == (event.fields["name"], "true")


def test_an_account_that_exists_is_used_and_keeps_its_password(workspace, cognito):
    """The accounts that provisioning made; one of them has never had its password set."""
    for username in ("person", "manager"):
        cognito.admin_create_user(
            UserPoolId=workspace.pool,
            Username=username,
            MessageAction="SUPPRESS",
            UserAttributes=[
                {"Name": "email", "Value": f"{username}@example.com"},
                {"Name": "email_verified", "Value": "true"},
            ],
        )
    cognito.admin_set_user_password(
        UserPoolId=workspace.pool, Username="person", Password="Another-horse-8", Permanent=True
    )
    before = workspace.user_id("person@example.com")
    workspace.load()
    assert workspace.user_id("person@example.com") == before
    workspace.assert_holds(EVENTS)
    client = ensure_client(cognito, workspace.pool)
    for username, password in (("person", "Another-horse-8"), ("manager", PASSWORD)):
        cognito.initiate_auth(
            ClientId=client,
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": username, "PASSWORD": password},
        )


def test_loading_again_changes_nothing_and_needs_no_password(workspace, monkeypatch):
    workspace.load()
    monkeypatch.delenv("DEMO_PASSWORD")
    assert "is loaded: 3 people, 40 tasks" in workspace.load(seed=99, tasks=500)
    workspace.assert_holds(EVENTS)


@pytest.mark.slow
@pytest.mark.parametrize("verb", sorted(VERBS))
def test_a_crash_between_a_write_and_its_line_repeats_nothing(workspace, monkeypatch, verb):
    events = [event for event in PLAYED if event.verb == verb]
    for event in dict.fromkeys((events[0].id, events[len(events) // 2].id, events[-1].id)):
        with monkeypatch.context() as patch:
            crash_before_line(patch, event)
            with pytest.raises(Crash):
                workspace.load(workers=1)
        workspace.sweep()
    assert "were skipped" not in workspace.load(now=NOW + timedelta(hours=3), seed=99)
    workspace.assert_holds(EVENTS)


def test_a_torn_line_is_cut_off(tmp_path):
    path = tmp_path / "demo.journal"
    path.write_bytes(b"demo-00001 a\ndemo-00")
    with Journal(path) as journal:
        journal.append("demo-00002", "b")
    with Journal(path) as journal:
        assert journal.done == {"demo-00001": "a", "demo-00002": "b"}


def test_lines_that_the_disk_lost_are_found_in_the_table(workspace, monkeypatch):
    """A power cut may lose the last lines, and tear one, while the table has everything."""
    with monkeypatch.context() as patch:
        crash_before_line(patch, [event.id for event in PLAYED if event.verb == "update"][-2])
        with pytest.raises(Crash):
            workspace.load(workers=1)
    journal = workspace.state.with_suffix(".journal")
    content = journal.read_bytes()
    lines = content.splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-6]) + lines[-6][:9])
    workspace.load()
    workspace.assert_holds(EVENTS)


@pytest.mark.long
def test_kill_9_at_any_time(workspace):
    """The real process, killed again and again until it happens to finish."""
    command = [sys.executable, "manage.py", "load_demo", "--workers", "2", "--state", str(workspace.state)]
    options = {
        "--seed": SEED,
        "--people": PEOPLE,
        "--tasks": TASKS,
        "--months": MONTHS,
        "--now": NOW.isoformat(),
    }
    command += [str(part) for pair in options.items() for part in pair]
    journal = workspace.state.with_suffix(".journal")
    killed = 0
    for step in (1, 12, 25, 40):
        process = subprocess.Popen(
            command, cwd=django_settings.BASE_DIR, env={**os.environ, **OWNER.variables}
        )
        before = journal.stat().st_size if journal.exists() else 0
        while process.poll() is None:
            if journal.exists() and journal.stat().st_size > before + 45 * step:
                process.send_signal(signal.SIGKILL)
                killed += process.wait() == -signal.SIGKILL
    assert killed >= 2
    workspace.load()
    workspace.assert_holds(EVENTS)


def test_what_the_owner_deleted_meanwhile_stays_deleted(workspace, monkeypatch):
    before, gone = next(interruptions(PLAYED))
    with monkeypatch.context() as patch:
        crash_before_line(patch, before.id)
        with pytest.raises(Crash):
            workspace.load(workers=1)
    lines = dict(line.split(" ") for line in workspace.state.with_suffix(".journal").read_text().splitlines())
    created = next(event for event in EVENTS if event.verb == "create" and event.task == gone.task)
    owner = workspace.user_id(gone.email)
    context = RequestContext(user_id=owner, updated_by=owner, request_id="req-by-hand", now=datetime.now(UTC))
    services.delete_task(context, lines[created.id])
    assert "were skipped" in workspace.load()
    assert lines[created.id] not in {item["id"] for item in workspace.items("TASK", owner)}
    untouched = [event for event in EVENTS if event.email != gone.email]
    workspace.assert_holds(untouched)


def test_an_error_says_that_it_can_go_on(workspace, monkeypatch):
    def refused(*_, **__):
        raise WriteContention

    with monkeypatch.context() as patch:
        patch.setattr(services, "restore_task", refused)
        with pytest.raises(CommandError, match="Run it again to continue"):
            workspace.load()
    workspace.load()
    workspace.assert_holds(EVENTS)


def test_the_turn_after_a_finished_load_does_nothing(workspace):
    """Two starts at once: the second one looked before the first one had finished."""
    workspace.load()
    accounts = Accounts(workspace.pool, PASSWORD)
    wanted = replace(Manifest.read(workspace.state), loaded=False)
    for email in STORIES:
        for item in workspace.items("TRASH", workspace.user_id(email)):
            workspace.table.delete_item(Key={"PK": item["PK"], "SK": item["SK"]})
    assert load(workspace.state, wanted, accounts, workers=2, output=StringIO()) == 0
    model = Model(EVENTS)
    for email in STORIES:
        user_id = workspace.user_id(email)
        assert plain(workspace.items("TASK", user_id), user_id) == by_creation(model.of(email))


def test_two_loads_at_once_are_refused(workspace):
    workspace.state.parent.mkdir(parents=True)
    with (
        Journal(workspace.state.with_suffix(".journal")),
        pytest.raises(CommandError, match="Another process"),
    ):
        workspace.load()


def test_another_table_is_loaded_anew(workspace, cognito, settings, tmp_path):
    """A state file outlives the local AWS it spoke of."""
    workspace.load()
    other = Workspace(cognito, tmp_path)
    settings.USER_POOL_ID = other.pool
    other.load()
    other.assert_holds(EVENTS)


def test_a_load_begun_with_another_story_says_so(workspace, monkeypatch):
    crash_before_line(monkeypatch, PLAYED[9].id)
    with pytest.raises(Crash):
        workspace.load()
    begun = workspace.state.read_text()
    workspace.state.write_text(begun.replace('"digest": "', '"digest": "0'))
    with pytest.raises(CommandError, match="another version of the demo"):
        workspace.load()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"people": 2}, "at least 3 people"), ({"tasks": 2}, "as many tasks"), ({"months": 0}, "one month")],
)
def test_impossible_sizes_are_refused(workspace, options, message):
    with pytest.raises(CommandError, match=message):
        workspace.load(**options)
    assert not workspace.state.exists()


def test_no_password_is_refused(workspace, monkeypatch):
    monkeypatch.delenv("DEMO_PASSWORD")
    with pytest.raises(CommandError, match="DEMO_PASSWORD"):
        workspace.load()
