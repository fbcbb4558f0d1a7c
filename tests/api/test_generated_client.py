"""A client that a public generator makes of the OpenAPI document, through a task's whole life"""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.web.site import serving

PACKAGE = "generated_todo_client"


@pytest.fixture
def generated(client, tmp_path, monkeypatch):
    """A function that imports a module of the generated client."""
    document = tmp_path / "openapi.json"
    document.write_bytes(client.get("/api/openapi.json").content)
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


@pytest.mark.slow
def test_a_generated_client_takes_a_task_through_its_life(generated, alice, token_for):
    models = generated("models")
    operations = {
        name: generated(f"api.{tag}.{name}")
        for tag, names in {
            "tasks": ("create_task", "get_task", "patch_task", "put_task", "list_tasks", "delete_task"),
            "trash": ("list_trash", "purge_task"),
        }.items()
        for name in names
    } | {name: generated(f"api.tasks.{name}") for name in ("restore_task", "batch_tasks")}

    with serving() as address:
        api = generated("client").AuthenticatedClient(base_url=address, token=token_for(alice))

        def call(name, *arguments, **keywords):
            answer = operations[name].sync_detailed(*arguments, client=api, **keywords)
            return int(answer.status_code), answer.parsed, answer.headers

        wanted = models.CreateTaskNewTask.from_dict(
            {"title": "Rent", "recurrence": "FREQ=MONTHLY", "due_date": "2030-01-01", "tags": ["home"]}
        )
        status, task, headers = call("create_task", body=wanted, idempotency_key="once")
        assert (status, task.title, task.version, headers["etag"]) == (201, "Rent", 1, '"1"')
        assert call("create_task", body=wanted, idempotency_key="once")[1] == task

        change = models.PatchTaskTaskChanges.from_dict({"priority": "urgent", "tags": None})
        assert call("patch_task", task.id, body=change, if_match='"1"')[1].version == 2
        status, problem, _ = call("patch_task", task.id, body=change, if_match='"1"')
        assert (status, problem.type_) == (412, "urn:todo:problem:version-conflict")

        whole = models.PutTaskTaskChanges.from_dict(call("get_task", task.id)[1].to_dict())
        whole.status = models.PutTaskTaskChangesStatus.COMPLETED
        done = call("put_task", task.id, body=whole)[1]
        assert done.completed_at == done.updated_at
        following = call("get_task", done.next_task_id)[1]
        assert str(following.due_date) == "2030-02-01"
        assert [task.id for task in call("list_tasks", sort=models.ListTasksSort.DUE)[1]] == [
            following.id,
            done.id,
        ]

        assert call("delete_task", task.id)[0] == 204
        assert call("get_task", task.id)[0] == 404
        assert [gone.id for gone in call("list_trash")[1]] == [task.id]
        assert call("restore_task", task.id)[1].version == 5
        batch = models.BatchTasksBatch.from_dict({"operations": [{"op": "delete", "id": str(task.id)}]})
        assert call("batch_tasks", body=batch)[1].results[0].status == 204
        assert call("purge_task", task.id)[0] == 204
        assert call("list_trash")[1] == []
