"""Clients that a public generator makes of the OpenAPI document, through everything that clients do

One is made of the document of now. The other is made of a document that was published before, and kept: what clients
were made of it go on working.
"""

import importlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.web.site import serving

PACKAGE = "generated_todo_client"
BEFORE = Path(__file__).resolve().parent.parent / "data" / "openapi-before.json"


@pytest.fixture(params=["before", "now"])
def generated(request, client, tmp_path, monkeypatch):
    """A function that imports a module of the generated client."""
    document = tmp_path / "openapi.json"
    now = client.get("/api/openapi.json").content
    document.write_bytes(BEFORE.read_bytes() if request.param == "before" else now)
    command = [
        *(Path(sys.executable).with_name("openapi-python-client"), "generate", "--meta", "none"),
        *("--path", document, "--output-path", tmp_path / PACKAGE),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout, done.stdout
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda name: importlib.import_module(f"{PACKAGE}.{name}")
    for name in [name for name in sys.modules if name.startswith(PACKAGE)]:
        del sys.modules[name]


@pytest.fixture
def call(generated, alice, token_for):
    """A function that calls an operation by its tag and name, with an access token that it has made before."""
    with serving() as address:
        make = generated("client").AuthenticatedClient
        api = make(base_url=address, token=token_for(alice))

        def call(tag, name, *arguments, **keywords):
            operation = generated(f"api.{tag}.{name}")
            answer = operation.sync_detailed(*arguments, client=api, **keywords)
            return int(answer.status_code), answer.parsed, answer.headers

        models = generated("models")
        wanted = models.CreateAccessTokenNewAccessToken.from_dict({"name": "script", "scope": "write"})
        status, token, _ = call("access_tokens", "create_access_token", body=wanted, idempotency_key="token")
        assert status == 201
        api = make(base_url=address, token=token.token)
        assert [known.id for known in call("access_tokens", "list_access_tokens")[1]] == [token.id]
        yield call


@pytest.mark.slow
def test_a_generated_client_takes_a_task_through_its_life(generated, call):
    models = generated("models")
    assert call("users", "get_own_user")[1].given_name == "Alice"

    # Create, once
    wanted = models.CreateTaskNewTask.from_dict(
        {"title": "Rent", "recurrence": "FREQ=MONTHLY", "due_date": "2030-01-01", "tags": ["home"]}
    )
    status, task, headers = call("tasks", "create_task", body=wanted, idempotency_key="once")
    assert (status, task.title, task.version, headers["etag"]) == (201, "Rent", 1, '"1"')
    assert call("tasks", "create_task", body=wanted, idempotency_key="once")[1] == task

    # Read, and not again what did not change
    assert call("tasks", "get_task", task.id)[1] == task
    assert call("tasks", "get_task", task.id, if_none_match='"1"')[0] == 304

    # Change, and learn of a conflict
    change = models.PatchTaskTaskChanges.from_dict({"priority": "urgent", "tags": None})
    assert call("tasks", "patch_task", task.id, body=change, if_match='"1"')[1].version == 2
    status, problem, _ = call("tasks", "patch_task", task.id, body=change, if_match='"1"')
    assert (status, problem.type_) == (412, "urn:todo:problem:version-conflict")

    # Complete the whole task, as it was read
    whole = models.PutTaskTaskChanges.from_dict(call("tasks", "get_task", task.id)[1].to_dict())
    whole.status = models.PutTaskTaskChangesStatus.COMPLETED
    done = call("tasks", "put_task", task.id, body=whole)[1]
    assert done.completed_at == done.updated_at
    following = call("tasks", "get_task", done.next_task_id)[1]
    assert str(following.due_date) == "2030-02-01"

    # List, in pages
    by_due = models.ListTasksSort.DUE
    status, first, headers = call("tasks", "list_tasks", sort=by_due, limit=1)
    cursor = headers["link"].partition("cursor=")[2].partition(">")[0]
    second = call("tasks", "list_tasks", sort=by_due, limit=1, cursor=cursor)[1]
    assert [task.id for task in (*first, *second)] == [following.id, done.id]

    # Sync: what changed since
    since = datetime.fromisoformat(call("tasks", "list_tasks")[2]["sync-since"])
    assert since <= datetime.now(UTC)
    assert call("tasks", "delete_task", task.id)[0] == 204
    changed = call("tasks", "list_tasks", updated_since=since)[1]
    assert [(each.id, each.deleted_at is not None) for each in changed][-1] == (task.id, True)

    # Delete, restore, delete for good
    status, problem, _ = call("tasks", "get_task", task.id)
    assert (status, problem.status) == (404, 404)
    assert [gone.id for gone in call("trash", "list_trash")[1]] == [task.id]
    assert call("tasks", "restore_task", task.id)[1].version == 5
    operations = [{"op": "create", "task": {"title": "In a batch"}}, {"op": "delete", "id": str(task.id)}]
    batch = models.BatchTasksBatch.from_dict({"operations": [*operations, {"op": "delete", "id": "none"}]})
    results = call("tasks", "batch_tasks", body=batch)[1].results
    assert [result.status for result in results] == [201, 204, 404]
    assert results[2].problem.status == 404
    assert call("trash", "purge_task", task.id)[0] == 204
    assert call("trash", "list_trash")[1] == []

    # Refusals are read as problems
    empty = models.CreateTaskNewTask.from_dict({"title": " "})
    status, problem, _ = call("tasks", "create_task", body=empty)
    assert (status, [error.field for error in problem.errors]) == (422, ["title"])

    # Profile
    name = models.UpdateUserProfileChanges.from_dict({"name": "Al"})
    assert call("users", "update_user", body=name)[1].name == "Al"


@pytest.mark.slow
def test_a_generated_client_takes_its_data_along(generated, call):
    models = generated("models")
    for title in ("One", "Two"):
        call("tasks", "create_task", body=models.CreateTaskNewTask.from_dict({"title": title}))
    assert [task.title for task in call("transfer", "export_tasks")[1]] == ["Two", "One"]
    wanted = models.CreateExportNewExport.from_dict({"format": "json"})
    status, export, _ = call("transfer", "create_export", body=wanted)
    assert (status, export.status.value) == (202, "running")
    while export.status.value == "running":
        export = call("transfer", "continue_export", export.id)[1]
    with urlopen(export.url) as file:
        assert [task["title"] for task in json.load(file)] == ["Two", "One"]
    assert [known.id for known in call("transfer", "list_exports")[1]] == [export.id]
