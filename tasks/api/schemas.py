"""The request and response schemas of tasks, as documented in OpenAPI, with their examples."""

from typing import Annotated, Any, Literal, NotRequired

from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter
from pydantic import with_config as configured
from typing_extensions import TypedDict

from store import validation
from tasks import fields
from tasks.batch import MAX_OPERATIONS
from web import problems
from web.api.describe import LINKS, Examples, path_parameter
from web.api.schemas import (
    ID,
    T36,
    T50,
    T64,
    T128,
    T200,
    UUID,
    Day,
    Id,
    Moment,
    PageQuery,
    ProblemCore,
    Status,
    Time,
    Version,
    flag,
    moment_text,
    out,
)

_Description = Annotated[str, Field(max_length=fields.DESCRIPTION_MAX)]


class ChecklistEntryOut(Schema):
    """One entry of a task's checklist."""

    id: T36
    text: T200
    done: bool


_TASK_EXAMPLE: dict[str, Any] = {
    "id": ID,
    "user_id": "7c9e6679-7425-40de-944b-e07fc1f90ae7",
    "title": "Pay the rent",
    "description": "From the *joint* account.",
    "status": "pending",
    "priority": "high",
    "category": "home",
    "tags": ["money"],
    "due_date": "2026-12-01",
    "due_time": "09:00",
    "timezone": "Europe/Berlin",
    "checklist": [{"id": "1f0e9c", "text": "Check the balance", "done": False}],
    "recurrence": "FREQ=MONTHLY",
    "repeat_from": "due",
    "next_task_id": None,
    "created_at": "2026-11-22T17:20:00.123456Z",
    "updated_at": "2026-11-22T17:20:00.123456Z",
    "completed_at": None,
    "deleted_at": None,
    "version": 1,
}


class TaskOut(Schema):
    """A task. Timestamps are ISO 8601 in UTC; `version` grows by one with every change and is the ETag.

    `deleted_at` is set in the trash, and for deleted tasks in a sync; a permanently deleted task has no title.
    """

    model_config = out(_TASK_EXAMPLE)
    id: Id
    user_id: T128
    title: T200
    description: _Description | None
    status: fields.Status
    priority: fields.Priority
    category: T50 | None
    tags: Annotated[list[T50], Field(max_length=fields.TAGS_MAX)]
    due_date: Day | None
    due_time: Time | None
    timezone: T64 | None
    checklist: Annotated[list[ChecklistEntryOut], Field(max_length=fields.CHECKLIST_MAX)]
    recurrence: T200 | None
    repeat_from: Annotated[
        Literal["due", "done"], Field(description="What its next occurrence is counted from")
    ]
    next_task_id: Id | None
    created_at: Moment
    updated_at: Moment
    completed_at: Moment | None
    deleted_at: Moment | None
    version: Version


class TaskFields(TaskOut):
    """Those fields of a task that `fields` names."""

    model_config = {
        "json_schema_extra": {"required": [], "minProperties": 1, "examples": [{"id": ID, "version": 1}]}
    }


class BatchResult(Schema):
    """The result of one operation: the task's id and current version, or the problem."""

    op: Literal["create", "update", "delete", "restore"]
    status: Status
    id: T64 | None
    version: Version | None = None
    updated_at: Moment | None = None
    problem: ProblemCore | None = None


_BATCH_EXAMPLE: dict[str, Any] = {
    "results": [
        {
            "op": "create",
            "status": 201,
            "id": ID,
            "version": 1,
            "updated_at": "2026-11-22T17:20:00.123456Z",
        },
        {
            "op": "delete",
            "status": 404,
            "id": ID,
            "problem": problems.body(404, "There is no such task.", "task-not-found"),
        },
    ]
}


class BatchOut(Schema):
    """The results of a batch, in the order of its operations."""

    model_config = out(_BATCH_EXAMPLE)
    results: Annotated[list[BatchResult], Field(max_length=MAX_OPERATIONS)]


# --- Query strings -------------------------------------------------------------------------------------------


def _task_fields(text: str) -> frozenset[str]:
    names = frozenset(text.split(","))
    if not names <= TaskOut.model_fields.keys():
        known = ", ".join(TaskOut.model_fields)
        raise validation.invalid("fields", f"Must be names of fields, with commas between them: {known}.")
    return names


_FIELD = f"({'|'.join(TaskOut.model_fields)})"


@configured(validation.STRICT)
class FieldsQuery(TypedDict, total=False):
    """The fields to show."""

    fields: Annotated[
        str,
        Field(max_length=400),
        AfterValidator(_task_fields),
        Field(
            description="The fields that you need, with commas between them; the others are left out. "
            "Default: all of them",
            examples=["id,title,version"],
            json_schema_extra={"pattern": f"^{_FIELD}(,{_FIELD})*$"},
        ),
    ]


@configured(validation.STRICT)
class TrashQuery(PageQuery, FieldsQuery, total=False):
    """A page of the trash."""


@configured(validation.STRICT)
class ListQuery(PageQuery, FieldsQuery, total=False):
    """Filters and order of a list of tasks."""

    status: Annotated[fields.Status, Field(description="Only tasks with this status")]
    priority: Annotated[fields.Priority, Field(description="Only tasks with this priority")]
    category: Annotated[fields.Category, Field(description="Only tasks of this category", examples=["home"])]
    tag: Annotated[fields.Tag, Field(description="Only tasks with this tag", examples=["garden"])]
    due_before: Annotated[
        fields.DueDate, Field(description="Only open tasks due before this day", examples=["2026-12-24"])
    ]
    due_after: Annotated[
        fields.DueDate, Field(description="Only open tasks due after this day", examples=["2026-11-30"])
    ]
    overdue: Annotated[
        bool,
        Field(strict=True, description="Only open tasks due before your today; `false`: all others"),
        BeforeValidator(flag),
    ]
    q: Annotated[
        str,
        validation.Prose(200),
        Field(description="Text to search for in title, description, category and tags"),
    ]
    updated_since: Annotated[
        str,
        AfterValidator(moment_text),
        Field(
            max_length=40,
            description="Only tasks changed at this instant or later, deleted ones included",
            examples=["2026-11-22T17:20:00Z"],
            json_schema_extra={"format": "date-time"},
        ),
    ]
    sort: Annotated[
        Literal["created", "-created", "due", "-due", "priority", "-priority", "updated", "-updated"],
        Field(
            description="`created`: oldest first; `due`: open tasks by due date, then the others; `priority`: low "
            "first; `updated`: the earliest change first. A leading `-` reverses the list. Default: `-created`.",
            examples=["-created"],
        ),
    ]


FIELDS_QUERY: TypeAdapter[Any] = TypeAdapter(FieldsQuery)
TRASH_QUERY: TypeAdapter[Any] = TypeAdapter(TrashQuery)
LIST_QUERY: TypeAdapter[Any] = TypeAdapter(ListQuery)


# --- Batches -------------------------------------------------------------------------------------------------

_AnyTask = Annotated[dict[str, Any], Field(max_length=50)]
_TaskId = Annotated[str, validation.Line(64), Field(examples=[ID])]
_IfVersion = Annotated[
    int,
    Field(ge=1, le=2**53, strict=True, json_schema_extra={"format": "int64"}),
    BeforeValidator(validation.whole),
]


@configured(validation.STRICT)
class BatchCreate(TypedDict):
    """Create a task with the fields in `task`."""

    op: Literal["create"]
    task: _AnyTask


@configured(validation.STRICT)
class BatchUpdate(TypedDict):
    """Change the fields in `task`; `if_version` works like If-Match in a single request."""

    op: Literal["update"]
    id: _TaskId
    task: _AnyTask
    if_version: NotRequired[_IfVersion]


@configured(validation.STRICT)
class BatchMove(TypedDict):
    """Delete a task, or restore it from the trash."""

    op: Literal["delete", "restore"]
    id: _TaskId
    if_version: NotRequired[_IfVersion]


@configured(validation.STRICT)
class Batch(TypedDict):
    """Up to 25 operations. A task has the same fields as in a single request; its errors are in the result."""

    operations: Annotated[
        list[Annotated[BatchCreate | BatchUpdate | BatchMove, Field(discriminator="op")]],
        Field(min_length=1, max_length=MAX_OPERATIONS),
    ]


BATCH: TypeAdapter[Any] = TypeAdapter(Batch)


# --- OpenAPI of bodies, queries and paths --------------------------------------------------------------------


NEW_TASK_EXAMPLES: Examples = {
    "short": ("Only a title", {"title": "Water the plants"}),
    "full": (
        "Everything",
        {
            "title": "Pay the rent",
            "description": "From the *joint* account.",
            "priority": "high",
            "category": "home",
            "tags": ["money"],
            "due_date": "2026-12-01",
            "due_time": "09:00",
            "timezone": "Europe/Berlin",
            "checklist": [{"text": "Check the balance"}],
            "recurrence": "FREQ=MONTHLY",
        },
    ),
}
TASK_CHANGES_EXAMPLES: Examples = {
    "complete": ("Complete it", {"status": "completed"}),
    "postpone": ("Another day, no category", {"due_date": "2026-12-08", "category": None}),
}
BATCH_EXAMPLES: Examples = {
    "mixed": (
        "Create one, complete one, delete one",
        {
            "operations": [
                {"op": "create", "task": {"title": "Buy milk"}},
                {"op": "update", "id": ID, "task": {"status": "completed"}, "if_version": 3},
                {"op": "delete", "id": "0199d3a4-6f2e-7c41-9b1d-3f5a8e6c2d11"},
            ]
        },
    )
}


TASK_ID = path_parameter(
    "task_id", "The task's id", ID, {"type": "string", "format": "uuid", "pattern": UUID, "maxLength": 36}
)
# The operations that can follow one that returns a task.
TASK_LINKS = {
    LINKS: {
        name: {"operationId": name, "parameters": {"task_id": "$response.body#/id"}}
        for name in (
            "get_task",
            "patch_task",
            "put_task",
            "delete_task",
            "restore_task",
            "purge_task",
            "get_trashed_task",
        )
    }
}
