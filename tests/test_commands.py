"""The command line: what it offers, what it says of a wrong call, and how it ends."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from todo_site.management.commands import costs

ROOT = Path(__file__).resolve().parent.parent
NOWHERE = {
    "ENVIRONMENT": "test",
    "APP_URL": "http://127.0.0.1:1",
    "SECRET_KEY": "x" * 50,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "USER_POOL_ID": "us-east-1_test",
    "CLIENT_ID": "client",
    "TABLE_NAME": "todo-app-data",
    **{f"{layer}_BUCKET": layer.lower() for layer in ("BRONZE", "SILVER", "GOLD")},
    "GLUE_DATABASE": "lake",
    "ATHENA_WORKGROUP": "lake",
}


def manage(*arguments: str, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run manage.py with this environment only."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **variables},
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


def refused(done: subprocess.CompletedProcess[str], status: int, *texts: str) -> None:
    assert done.returncode == status, done
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    for text in texts:
        assert text in done.stderr


def test_only_what_works_here_is_offered():
    done = manage("help", **NOWHERE)
    assert done.returncode == 0
    offered = set(done.stdout.split())
    assert {"understand", "lake", "make_admin", "check", "shell"} <= offered
    assert not {"migrate", "flush", "createsuperuser", "changepassword", "dumpdata", "dbshell"} & offered


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("migrate", "All data are in DynamoDB"),
        ("flush", "All data are in DynamoDB"),
        ("makemessages", "make messages"),
    ],
)
def test_a_command_of_django_that_cannot_work_says_what_to_do(run, command, says):
    status, out, err = run(command)
    assert (status, out) == (2, "")
    assert says in err


@pytest.mark.parametrize("command", [["lake", "status"], ["costs"]])
def test_a_missing_variable_is_named(command):
    refused(manage(*command), 2, "The environment variable ENVIRONMENT is not set.")


def test_understanding_needs_no_environment():
    done = manage(
        "understand", "--now", "2026-11-30T08:15", "--timezone", "Europe/Berlin", given="tea 10.12.\n"
    )
    assert json.loads(done.stdout)["due_date"] == "2026-12-10", done.stderr


WRONG = [
    (["costs", "--users", "0"], 2, "--users: 0 is not a number from 1 on"),
    (["costs", "--users", "many"], 2, "--users: 'many' is not a number"),
    (["costs", "--measured", "/nonexistent"], 1, "--measured /nonexistent: No such file"),
    (["costs", "--measured", "README.md"], 1, "--measured README.md is not what --save writes"),
    (["replay"], 1, "exactly one of --from DAY, --quarantine, --failures"),
    (["replay", "--from", "2026-13-01"], 2, "--from: '2026-13-01' is not a day such as 2026-11-30"),
    (["replay", "--from", "2099-01-01"], 1, "--from 2099-01-01 is after today"),
    (
        ["replay", "--from", "2026-02-02", "--to", "2026-02-01"],
        1,
        "--from 2026-02-02 is after --to 2026-02-01",
    ),
    (["replay", "--quarantine", "--to", "2026-02-01"], 1, "--to needs --from DAY"),
    (["erase_user", "x", "--wait", "-1"], 2, "--wait: -1 is not a number from 0 on"),
    (["erase_user", "no id"], 1, "is no user id"),
    (["understand", "--timezone", "Mars"], 1, "--timezone must be a zone"),
    (["lake"], 2, "arguments are required"),
    (["nonsense"], 1, "Unknown command: 'nonsense'"),
]


@pytest.mark.parametrize(
    ("command", "status", "says"), WRONG, ids=[" ".join(command) for command, _, _ in WRONG]
)
def test_a_wrong_call_is_told(run, command, status, says):
    ended, out, err = run(*command)
    assert (ended, out) == (status, "")
    assert says in err


@pytest.mark.sliced
@pytest.mark.parametrize(
    "command",
    [
        ["lake", "status"],
        ["lake", "trail", "0199d3a4-6f2e-7c41-9b1d-3f5a8e6c2d11"],
        ["costs"],
        ["make_admin", "ada@example.com"],
    ],
    ids=lambda command: command[0],
)
def test_no_connection_is_told_in_a_line(command):
    done = manage(*command, **NOWHERE)
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_result_for_programs_is_one_json_document(run, tmp_path):
    measured = tmp_path / "measured.json"
    assert run("costs", "--save", str(measured))[0] == 0
    status, out, _ = run("costs", "--measured", str(measured), "--users", "1000", "--json")
    assert status == 0
    assert set(json.loads(out)) == {"measured", "habits", "usd_a_month"}
    assert json.loads(out)["usd_a_month"]["1000"]


def test_a_mistake_of_ours_shows_where(run, monkeypatch):
    monkeypatch.setattr(costs, "measure", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("costs")
