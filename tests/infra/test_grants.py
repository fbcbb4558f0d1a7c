"""Roles: those of the local programs are the deployed ones, and the table of grants is complete."""

import json

import pytest

from infra import grants, roles
from localcloud.roles import FILE

ACCOUNT = "000000000000"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/todo-app-data"


def test_local_programs_have_the_deployed_permissions():
    written = json.loads(FILE.read_text())
    assert written == roles.local_roles(), "run: .venv-infra/bin/python -m infra.roles"


def test_the_table_has_every_grant_of_the_stacks_and_no_other():
    def keys(table):
        return {(r, a, resource) for r, actions in table.items() for a in actions for resource in actions[a]}

    assert keys(grants.table()) == keys(grants.granted()), "run: .venv-infra/bin/python -m infra.grants"


def test_an_unused_grant_has_its_reason():
    table = grants.table()
    silent = [
        (role, action, resource)
        for role, actions in table.items()
        for action, resources in actions.items()
        for resource, reason in resources.items()
        if not reason
    ]
    assert silent == []


# --- the comparison ---


@pytest.fixture
def compare(tmp_path, monkeypatch):
    """`compare(calls)` compares a table of three grants with (role, action, resource, allowed)."""
    table = {
        "todo-{stage}-web": {
            "dynamodb:GetItem": {TABLE: grants.USED},
            "s3:GetObject": {"arn:aws:s3:::todo-{stage}-gold/cache/*": grants.USED},
            "athena:GetWorkGroup": {"*": "the Health page"},
        }
    }
    monkeypatch.setattr(grants, "table", lambda: table)

    def call(entries):
        names = ("principal", "action", "resource", "allowed")
        lines = [json.dumps(dict(zip(names, entry, strict=True))) for entry in entries]
        path = tmp_path / "calls.jsonl"
        path.write_text("".join(f"{line}\n" for line in lines))
        return grants.compare(path, "prod")

    return call


WEB = f"arn:aws:sts::{ACCOUNT}:assumed-role/todo-prod-web/todo-prod"
USES = [
    (WEB, "dynamodb:GetItem", TABLE, True),
    (WEB, "s3:GetObject", "arn:aws:s3:::todo-prod-gold/cache/1.json", True),
]


def test_used_grants_and_those_with_a_reason_are_right(compare):
    assert compare(USES) == []


def test_a_grant_that_is_no_longer_used_is_found(compare):
    assert compare(USES[1:]) == [
        f"granted as used, but not used: todo-{{stage}}-web dynamodb:GetItem {TABLE}"
    ]


def test_a_refusal_is_found_whoever_met_it(compare):
    service = "apigateway.amazonaws.com"
    role = f"arn:aws:iam::{ACCOUNT}:role/todo-prod-web"
    refused = [(service, "sts:AssumeRole", role, False), (WEB, "dynamodb:Scan", TABLE, False)]
    found = compare([*USES, *refused])
    assert found == [
        f"refused: {service} sts:AssumeRole arn:aws:iam::{ACCOUNT}:role/todo-{{stage}}-web",
        f"refused: todo-{{stage}}-web dynamodb:Scan {TABLE}",
    ]


@pytest.mark.parametrize(
    "call",
    [
        (WEB, "dynamodb:PutItem", TABLE, True),
        (WEB, "s3:GetObject", "arn:aws:s3:::todo-prod-gold/gold/1.parquet", True),
        (f"arn:aws:iam::{ACCOUNT}:role/todo-prod-lake", "glue:GetTable", "*", True),
    ],
)
def test_a_use_that_nothing_granted_is_found(compare, call):
    (found,) = compare([*USES, call])
    assert found.startswith("used, but not granted: ")
    assert call[1] in found


def test_a_role_without_a_name_is_known_by_its_stack_and_logical_id(compare, monkeypatch):
    machine = f"arn:aws:states:us-east-1:{ACCOUNT}:stateMachine:todo-lake"
    table = {
        **grants.table(),
        "todo-{stage}-EtlStack-EventsRole": {"states:StartExecution": {machine: grants.USED}},
    }
    monkeypatch.setattr(grants, "table", lambda: table)
    for name in ("EventsRole2B3ECF6D7E38", "EventsRole2B3ECF6D-x7Yz", "EventsRole-2B3ECF6D7E38"):
        role = f"arn:aws:iam::{ACCOUNT}:role/todo-prod-EtlStack-{name}"
        assert compare([*USES, (role, "states:StartExecution", machine, True)]) == []


def test_new_grants_keep_the_reasons_of_the_others(monkeypatch, tmp_path):
    table = {"todo-{stage}-web": {"a:A": {"*": "because"}, "a:Gone": {"*": grants.USED}}}
    path = tmp_path / "grants.json"
    path.write_text(json.dumps(table))
    monkeypatch.setattr(grants, "TABLE", path)
    now = {"todo-{stage}-web": {"a:A": {"*": ""}, "a:B": {"*": ""}, "a:C": {"*": ""}}}
    monkeypatch.setattr(grants, "granted", lambda: now)
    updated = grants.update([("todo-{stage}-web", "a:B", "anything")])
    assert updated == {"todo-{stage}-web": {"a:A": {"*": "because"}, "a:B": {"*": "used"}, "a:C": {"*": ""}}}
