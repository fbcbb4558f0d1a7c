"""``POST /api/v1/tasks/batch``: up to 25 changes in one request."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router
from pydantic_core import to_json

from identity import allowance
from identity.sign_in import context
from store import validation
from store.idempotency import StoredReply
from tasks import batch
from tasks.api import schemas
from tasks.api.schemas import BatchOut
from tasks.batch import Operation, Outcome
from web.api import describe, error_handlers, requests
from web.api.replies import answer
from web.api.schemas import Problem

router = Router(tags=["tasks"])
_STATUS = {"create": 201, "update": 200, "delete": 204, "restore": 200}


@router.post(
    "/batch",
    response={200: BatchOut, **dict.fromkeys((400, 409, 413, 415, 422), Problem)},
    summary="Change several tasks",
    openapi_extra=describe.body(schemas.BATCH, schemas.BATCH_EXAMPLES),
)
def batch_tasks(request: HttpRequest) -> HttpResponse:
    """Create, update, delete and restore up to 25 tasks.

    All valid operations are done together, all or none; the others are rejected one by one. The results are in the
    order of the operations, each with the status that a request of its own would have had and, if it was rejected, the
    problem. A batch can change a task only once.
    """
    body = requests.json_object(request)
    given = validation.clean(schemas.BATCH, body)
    operations = [_operation(entry) for entry in given["operations"]]
    allowance.take(request, len(operations))
    done = batch.run(context(request), operations, once=requests.once(request, body, _reply))
    return answer(done.reply or _reply(done.outcomes), replayed=done.replayed)


def _operation(given: dict[str, Any]) -> Operation:
    version = given.get("if_version")
    if given["op"] != "update":
        return Operation(given["op"], given.get("id", ""), given.get("task", {}), version)
    changes, echoed = requests.split(given["task"])
    return Operation("update", given["id"], changes, version, echoed)


def _reply(outcomes: list[Outcome]) -> StoredReply:
    body = to_json({"results": [_result(outcome) for outcome in outcomes]})
    return StoredReply(200, body.decode())


def _result(outcome: Outcome) -> dict[str, Any]:
    operation, task = outcome.operation, outcome.task
    if outcome.error:
        problem = error_handlers.body_of(outcome.error)
        task_id = operation.task_id or None
        return {"op": operation.kind, "status": problem["status"], "id": task_id, "problem": problem}
    values = task.attribute_values if task else {}
    return {
        "op": operation.kind,
        "status": _STATUS[operation.kind],
        **{name: values[name] for name in ("id", "version", "updated_at")},
    }
