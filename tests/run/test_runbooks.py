"""What the runbooks tell an operator to type works, line by line, and says what they say it does.

Each runbook is followed from its first line to its last in one shell, by somebody who may do what `make deploy` asks
for and is not the account's owner. The stage is this copy of the product: its local AWS has a deployed function whose
settings `make env-of` reads. Lines of `aws`, which need the resources of the stacks, are run by `tests/infra`; those of
`make` but this one by the rehearsal.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.run.stack import Stack, until
from tests.run.test_lifecycle import create_task, request
from tests.runbooks import MANAGE, ROOT, RUNBOOKS, commands

pytestmark = pytest.mark.long

STAGE = "prod"
FOLLOWED = (MANAGE, "eval ", "source ", "curl ", "TOKEN=", ".venv/bin/python -m ")
LOCAL = ("source ", ".venv/bin/python -m ")  # of a copy, and of no stage
DEPLOYED, COPY = "a stage", "a copy"
YOU = "you@example.com"
# By document and the beginning of a line: what the document says that it prints.
SAYS = {
    ("alarms", f"{MANAGE}failures list"): "in the failure queue",
    ("alarms", f"{MANAGE}replay --failures"): "records were\ndelivered",
    ("api-testing", 'curl "$APP_URL/health"'): "healthy",
    ("api-testing", f"{MANAGE}smoke_api"): "passed",
    ("api-testing", f"{MANAGE}smoke_site"): "passed",
    ("deploy", f"{MANAGE}make_admin"): "has the role",
    ("deploy", f"{MANAGE}make_manager"): "has the role",
    ("etl", f"{MANAGE}replay --from"): "Done:",
    ("etl", f"{MANAGE}smoke_etl"): "passed",
    (
        "recovery",
        f"{MANAGE}rebuild_table --to todo-app-data-rebuilt --until 2026-11-22T17:20:00Z --dry-run",
    ): ("Would write"),
    ("recovery", f"{MANAGE}rebuild_table"): "Wrote",
    ("recovery", f"{MANAGE}erase_user <id> --dry-run"): "",
    ("recovery", f"{MANAGE}erase_user <id>"): "Nothing of <id> is left, except the id in the order",
}


@dataclass
class Stage:
    """A copy of the product that counts as a deployed stage, and a checkout from which somebody operates it."""

    stack: Stack
    folder: Path
    keys: dict[str, str] = field(default_factory=dict)

    def deploy(self) -> None:
        """Put into the local AWS what `make env-of` asks for: the function and what its settings name."""
        known = {**self.stack.environment(), "ENVIRONMENT": STAGE, **self._made()}
        wanted = json.loads((ROOT / "zappa_settings.json").read_text())["base"]["aws_environment_variables"]
        variables = {
            name: known.get(name, "test" if value.startswith("<") else value)
            for name, value in wanted.items()
        }
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as package:
            package.writestr("handler.py", "def lambda_handler(event, context): pass")
        self.stack.client("lambda").create_function(
            FunctionName=f"todo-{STAGE}",
            Runtime="python3.13",
            Role=self._role(f"todo-{STAGE}-web", {"Service": "lambda.amazonaws.com"}),
            Handler="handler.lambda_handler",
            Code={"ZipFile": archive.getvalue()},
            Environment={"Variables": variables},
        )

    def _made(self) -> dict[str, str]:
        secret = self.stack.client("secretsmanager").create_secret(
            Name=f"todo/{STAGE}/secret-key", SecretString=uuid.uuid4().hex
        )
        done = {
            "StartAt": "Done",
            "States": {"Done": {"Type": "Pass", "End": True}},
        }  # the copy runs its lake
        machine = self.stack.client("stepfunctions").create_state_machine(
            name="todo-lake",
            definition=json.dumps(done),
            roleArn=self._role("todo-lake-machine", {"Service": "states.amazonaws.com"}),
        )
        return {
            "SECRET_KEY_ARN": secret["ARN"],
            "SECRET_KEY_VERSION": secret["VersionId"],
            "LAKE_MACHINE_ARN": machine["stateMachineArn"],
            "CAPTURE_FUNCTION": "todo-cdc-processor",
        }

    def _role(self, name: str, principal: dict[str, str]) -> str:
        trust = [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}]
        made = self.stack.client("iam").create_role(
            RoleName=name, AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": trust})
        )
        return str(made["Role"]["Arn"])

    def hire(self) -> None:
        """Make the operator: an administrator who passes no role."""
        arn = self._role("operator", {"AWS": "arn:aws:iam::000000000000:root"})
        grant = [{"Effect": "Allow", "NotAction": "iam:PassRole", "Resource": "*"}]
        self.stack.client("iam").put_role_policy(
            RoleName="operator",
            PolicyName="operate",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": grant}),
        )
        keys = self.stack.client("sts").assume_role(RoleArn=arn, RoleSessionName="night")["Credentials"]
        self.keys = {
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        }

    def check_out(self) -> None:
        """Make a checkout whose `.local` is this copy's, and an `aws` that stands in for the command line."""
        checkout, programs = self.folder / "checkout", self.folder / "bin"
        checkout.mkdir()
        programs.mkdir()
        for path in ROOT.iterdir():
            if path.name not in {".local", ".git"}:
                (checkout / path.name).symlink_to(path)
        (checkout / ".local").symlink_to(self.stack.directory)
        aws = programs / "aws"
        aws.write_text(f'#!/bin/sh\nexec {sys.executable} -m tests.infra.awscli "$@"\n')
        aws.chmod(0o700)

    def shell(self, script: str) -> str:
        """Run a script as the operator; return what it printed."""
        kept = ("PATH", "HOME", "LC_ALL", "TMPDIR", "CI", "NO_PROXY", "no_proxy")
        variables = {
            **{name: os.environ[name] for name in kept if name in os.environ},
            "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "AWS_ENDPOINT_URL": self.stack.environment()["AWS_ENDPOINT_URL"],
            "AWS_EC2_METADATA_DISABLED": "true",
            "DEMO_PASSWORD": self.stack.environment()["DEMO_PASSWORD"],  # of the account that they name
            **self.keys,
        }
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder / "checkout",
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def follow(self, lines: list[str]) -> list[str]:
        """Run lines one after the other in one shell, each of which must succeed; return what each printed."""
        place = self.folder / uuid.uuid4().hex
        place.mkdir()
        steps = [
            f"{{ {line}\n}} >{place}/{number} 2>{place}/{number}.error || "
            f"{{ echo {number}: $?; cat {place}/{number} {place}/{number}.error; exit 1; }}"
            for number, line in enumerate(lines)
        ]
        self.shell("\n".join(steps))
        return [(place / str(number)).read_text() for number in range(len(lines))]

    def sign_up(self, email: str) -> str:
        """Create an account with a confirmed address; return its id."""
        pool = self.stack.environment()["USER_POOL_ID"]
        attributes = [{"Name": "email", "Value": email}, {"Name": "email_verified", "Value": "true"}]
        cognito = self.stack.client("cognito-idp")
        username = str(uuid.uuid4())
        made = cognito.admin_create_user(
            UserPoolId=pool, Username=username, UserAttributes=attributes, MessageAction="SUPPRESS"
        )
        cognito.admin_set_user_password(
            UserPoolId=pool, Username=username, Password=self.password, Permanent=True
        )
        return next(each["Value"] for each in made["User"]["Attributes"] if each["Name"] == "sub")

    @property
    def password(self) -> str:
        """The password of every account here."""
        return self.stack.environment()["DEMO_PASSWORD"]

    def give_up_a_change(self) -> None:
        """Put a change of the table into the queue of failures, as capture does with one that it cannot deliver."""
        streams, table = self.stack.client("dynamodbstreams"), self.stack.environment()["TABLE_NAME"]
        (stream,) = streams.list_streams(TableName=table)["Streams"]
        shards = streams.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
        record = next(self._changes(stream["StreamArn"], shard["ShardId"]) for shard in shards)
        record["dynamodb"]["ApproximateCreationDateTime"] = datetime.now(UTC).timestamp()
        message = {"reason": "a test", "record": record}
        self.stack.client("sqs").send_message(
            QueueUrl=self.stack.environment()["CDC_FAILURE_QUEUE_URL"], MessageBody=json.dumps(message)
        )

    def _changes(self, stream: str, shard: str) -> dict[str, Any]:
        streams = self.stack.client("dynamodbstreams")
        start = streams.get_shard_iterator(StreamArn=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
        records = streams.get_records(ShardIterator=start["ShardIterator"])["Records"]
        return next(each for each in records if each["dynamodb"]["Keys"]["PK"]["S"].startswith("TASK#"))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A stage with a person's task in it."""
    folder = tmp_path_factory.mktemp("runbooks")
    found = Stage(Stack(folder / "local"), folder)
    try:
        found.stack.start()
        found.deploy()
        found.hire()
        found.check_out()
        found.sign_up(YOU)
        complete(found.stack, create_task(found.stack, "before the night")["id"])
        query = "SELECT 1 FROM task_facts WHERE status = 'completed'"
        until(lambda: found.stack.published() and found.stack.query(query), "the lake has counted the task")
        yield found
    finally:
        found.stack.clean_up()


def complete(stack: Stack, task: str) -> None:
    """Complete a task, so that the dashboard has figures that lead to it."""
    token = stack.token("person@example.com", stack.environment()["DEMO_PASSWORD"])
    changed = {"status": "completed"}
    assert request(stack, "PATCH", f"/api/v1/tasks/{task}", changed, token)[0] == 200


def filled(line: str, values: dict[str, str]) -> str:
    for name in sorted(values, key=len, reverse=True):
        line = line.replace(name, values[name])
    return line


def kind(path: Path) -> str:
    return DEPLOYED if any(line.startswith("eval ") for line in commands(path)) else COPY


def typed(path: Path) -> list[str]:
    """The lines of a document that are followed where it is."""
    other = LOCAL if kind(path) == DEPLOYED else ("eval ",)
    return [line for line in commands(path) if line.startswith(FOLLOWED) and not line.startswith(other)]


def said(path: Path, line: str) -> str | None:
    """What the document says that the line prints."""
    return next(
        (text for (name, start), text in SAYS.items() if name == path.stem and line.startswith(start)), None
    )


@pytest.mark.parametrize("path", RUNBOOKS, ids=lambda path: path.stem)
def test_a_runbook_is_followed_to_the_letter(stage: Stage, path: Path) -> None:
    now = datetime.now(UTC)
    values = {
        "<id>": "",
        "2026-11-20": f"{now:%Y-%m-%d}",
        "2026-11-22": f"{now:%Y-%m-%d}",
        "2026-11-22T17:20:00Z": f"{now:%Y-%m-%dT%H:%M:%SZ}",
    }
    lines = typed(path)
    if any("<id>" in line for line in lines):
        values["<id>"] = with_a_task(stage, f"{uuid.uuid4().hex[:8]}@example.com")
    if any("--failures" in line for line in lines):
        stage.give_up_a_change()
    printed = stage.follow([filled(line, values) for line in lines])
    for line, text in zip(lines, printed, strict=True):
        wanted = said(path, line)
        if wanted is not None:
            assert wanted in path.read_text()
            assert filled(wanted, values).split() == [] or " ".join(filled(wanted, values).split()) in text, (
                f"{line} printed: {text}"
            )


def with_a_task(stage: Stage, email: str) -> str:
    """Create a person with a task that has reached Bronze; return their id."""
    person = stage.sign_up(email)
    token = stage.stack.token(email, stage.password)
    status, content = request(stage.stack, "POST", "/api/v1/tasks", {"title": "to be erased"}, token)
    assert status == 201, content
    task = json.loads(content)["id"]
    until(
        lambda: stage.stack.query(f"SELECT 1 FROM tasks WHERE task_id = '{task}'"), "the task is in the lake"
    )
    return person


def test_what_an_operator_is_given_is_nothing_secret(stage: Stage) -> None:
    printed = stage.shell(f"make -s env-of STAGE={STAGE}")
    assert f"export STAGE={STAGE}" in printed.splitlines()
    secret = stage.stack.client("secretsmanager").get_secret_value(SecretId=f"todo/{STAGE}/secret-key")
    for value in (secret["SecretString"], stage.password, *stage.keys.values()):
        assert value not in printed


@pytest.mark.parametrize(
    "line",
    [
        f"{MANAGE}make_admin nobody@example.com",
        f"{MANAGE}replay --from 2026-11-20 --to 2026-11-19",
        f"make -s env-of STAGE={STAGE}x",
    ],
)
def test_a_line_that_fails_is_noticed(stage: Stage, line: str) -> None:
    with pytest.raises(AssertionError, match="1: "):
        stage.follow([f'eval "$(make -s env-of STAGE={STAGE})"', line])


def test_every_promise_belongs_to_a_line() -> None:
    lines = {(path.stem, line) for path in RUNBOOKS for line in typed(path)}
    silent = [
        key for key in SAYS if not any(name == key[0] and line.startswith(key[1]) for name, line in lines)
    ]
    assert silent == []
