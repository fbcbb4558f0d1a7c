"""What goes over the wire, as documented in OpenAPI; and the query strings."""

import re
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, NotRequired

from ninja import Schema
from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints, TypeAdapter
from pydantic import with_config as configured
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict

from store.context import timestamp
from tasks import fields
from tasks.batch import MAX_OPERATIONS
from tasks.selectors import LIMIT, MAX_LIMIT

ID = "0199d3a4-6f2e-7c41-9b1d-3f5a8e6c2d10"
UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
# Under this key an operation keeps a function that describes it, called when the document is asked for.
LATER = "x-later"
OUT = ConfigDict(extra="forbid")


T32 = Annotated[str, Field(max_length=32)]
T36 = Annotated[str, Field(max_length=36)]
T50 = Annotated[str, Field(max_length=50)]
T64 = Annotated[str, Field(max_length=64)]
T100 = Annotated[str, Field(max_length=100)]
T128 = Annotated[str, Field(max_length=128)]
T200 = Annotated[str, Field(max_length=200)]
T254 = Annotated[str, Field(max_length=254)]
T500 = Annotated[str, Field(max_length=500)]
T1000 = Annotated[str, Field(max_length=1000)]
_Description = Annotated[str, Field(max_length=fields.DESCRIPTION_MAX)]
Id = Annotated[str, Field(max_length=36, pattern=UUID, json_schema_extra={"format": "uuid"})]
Day = Annotated[str, Field(max_length=10, json_schema_extra={"format": "date"})]
Time = Annotated[str, Field(max_length=5, pattern=TIME)]
Moment = Annotated[str, Field(max_length=27, json_schema_extra={"format": "date-time"})]
Version = Annotated[int, Field(ge=1, le=2**53, json_schema_extra={"format": "int64"})]


class ChecklistEntryOut(Schema):
    """One line of a task's checklist."""

    model_config = OUT
    id: T36
    text: T200
    done: bool


class TaskOut(Schema):
    """A task. Timestamps are ISO 8601 in UTC; `version` grows by one with every change and is the ETag.

    `deleted_at` is set of tasks in the trash and of deletions in a sync; one that was deleted for good has no title.
    """

    model_config = OUT
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
    next_task_id: Id | None
    created_at: Moment
    updated_at: Moment
    completed_at: Moment | None
    deleted_at: Moment | None
    version: Version


class UserOut(Schema):
    """A profile. `id` is the person's Cognito `sub`."""

    model_config = OUT
    id: T128
    email: T254 | None
    username: T254
    name: T254
    given_name: T200 | None
    family_name: T200 | None
    timezone: T64 | None
    created_at: Moment
    updated_at: Moment
    version: Version


class HealthOut(Schema):
    """That the service answers, and which one it is."""

    model_config = OUT
    status: Literal["healthy"]
    version: T64
    environment: T32


class FieldProblem(Schema):
    """What is wrong with one field."""

    model_config = OUT
    field: T100
    message: T500
    code: T64


Status = Annotated[int, Field(ge=200, le=599, json_schema_extra={"format": "int32"})]
_Errors = Annotated[list[FieldProblem], Field(max_length=2 * fields.MAX_ERRORS)]


class ProblemCore(Schema):
    """What a problem says, whatever the request."""

    model_config = OUT
    type: T200
    title: T100
    status: Status
    detail: T1000
    errors: _Errors = []


class Problem(Schema):
    """An error, as of RFC 9457. `errors` is there when fields are to blame."""

    model_config = OUT
    type: T200
    title: T100
    status: Status
    detail: T1000
    instance: T500
    request_id: T128
    errors: _Errors = []


class BatchResult(Schema):
    """What became of one operation: the task's id and version as it is now, or the problem."""

    model_config = OUT
    op: Literal["create", "update", "delete", "restore"]
    status: Status
    id: T64 | None
    version: Version | None = None
    updated_at: Moment | None = None
    problem: ProblemCore | None = None


class BatchOut(Schema):
    """The results of a batch, in the order of its operations."""

    model_config = OUT
    results: Annotated[list[BatchResult], Field(max_length=MAX_OPERATIONS)]


# --- Query strings -------------------------------------------------------------------------------------------


def _flag(text: Any) -> Any:
    return {"true": True, "false": False}.get(text, text)


def _digits(text: Any) -> Any:
    if isinstance(text, str) and not re.fullmatch(r"-?[0-9]{1,9}", text):
        raise PydanticCustomError("int_parsing", "Must be a whole number.")
    return text


def _moment(text: str) -> str:
    try:
        # A "+" that was not percent-encoded arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
        if moment.tzinfo is None or "T" not in text.upper():
            raise ValueError(text)
        return timestamp(moment)
    except (ValueError, OverflowError):
        message = "Must be an instant such as 2026-11-22T17:20:00Z, with Z or an offset."
        raise PydanticCustomError("datetime", "{message}", {"message": message}) from None


@configured(fields.STRICT)
class PageQuery(TypedDict, total=False):
    """Which part of a list."""

    limit: Annotated[
        int,
        Field(ge=1, le=MAX_LIMIT, description="How many at most"),
        Field(json_schema_extra={"default": LIMIT, "format": "int32"}),
        BeforeValidator(_digits),
    ]
    cursor: Annotated[
        str,
        Field(
            max_length=1024,
            description="Where to go on: from the `Link` header of an earlier page of the same list",
            json_schema_extra={"format": "cursor"},
        ),
    ]


@configured(fields.STRICT)
class ListQuery(PageQuery, total=False):
    """Which tasks to list."""

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
        Field(strict=True, description="Only open tasks due before today (UTC); `false`: all others"),
        BeforeValidator(_flag),
    ]
    q: Annotated[
        str,
        Field(max_length=200, description="Text to look for in title, description, category and tags"),
    ]
    updated_since: Annotated[
        str,
        AfterValidator(_moment),
        Field(
            max_length=40,
            description="Only what changed at this instant or later, deletions included",
            examples=["2026-11-22T17:20:00Z"],
            json_schema_extra={"format": "date-time"},
        ),
    ]
    sort: Annotated[
        Literal["created", "-created", "due", "-due", "priority", "-priority", "updated", "-updated"],
        Field(
            description="`created`: oldest first; `due`: open tasks by due date, then the others; `priority`: low "
            "first; `updated`: the earliest change first. A `-` before it turns the list round. Default: `-created`.",
            examples=["-created"],
        ),
    ]


PAGE_QUERY: TypeAdapter[Any] = TypeAdapter(PageQuery)
LIST_QUERY: TypeAdapter[Any] = TypeAdapter(ListQuery)


# --- Batches -------------------------------------------------------------------------------------------------

_AnyTask = Annotated[dict[str, Any], Field(max_length=50)]
_TaskId = Annotated[str, StringConstraints(min_length=1, max_length=64), Field(examples=[ID])]
_IfVersion = Annotated[
    int,
    Field(ge=1, le=2**53, strict=True, json_schema_extra={"format": "int64"}),
    BeforeValidator(fields.whole),
]


@configured(fields.STRICT)
class BatchCreate(TypedDict):
    """Create a task of the fields in `task`."""

    op: Literal["create"]
    task: _AnyTask


@configured(fields.STRICT)
class BatchUpdate(TypedDict):
    """Change the fields in `task`; `if_version` is what If-Match is to a single request."""

    op: Literal["update"]
    id: _TaskId
    task: _AnyTask
    if_version: NotRequired[_IfVersion]


@configured(fields.STRICT)
class BatchMove(TypedDict):
    """Delete a task, or restore it from the trash."""

    op: Literal["delete", "restore"]
    id: _TaskId
    if_version: NotRequired[_IfVersion]


@configured(fields.STRICT)
class Batch(TypedDict):
    """Up to 25 operations. The fields of a task are as in single requests; what is wrong with them is in the result."""

    operations: Annotated[
        list[Annotated[BatchCreate | BatchUpdate | BatchMove, Field(discriminator="op")]],
        Field(min_length=1, max_length=MAX_OPERATIONS),
    ]


BATCH: TypeAdapter[Any] = TypeAdapter(Batch)


# --- OpenAPI of bodies, queries and paths --------------------------------------------------------------------

Examples = dict[str, tuple[str, dict[str, Any]]]

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
PROFILE_EXAMPLES: Examples = {"name": ("A name", {"name": "Ada Lovelace", "timezone": "Europe/London"})}
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


def body(adapter: TypeAdapter[Any], examples: Examples | None = None) -> dict[str, Any]:
    """Return the OpenAPI of an operation whose JSON body ``adapter`` validates."""
    return {LATER: partial(_body, adapter, examples)}


def _body(adapter: TypeAdapter[Any], examples: Examples | None) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": inlined(adapter)}
    if examples:
        content["examples"] = {
            name: {"summary": summary, "value": value} for name, (summary, value) in examples.items()
        }
    return {"requestBody": {"required": True, "content": {"application/json": content}}}


def changes(adapter: TypeAdapter[Any], examples: Examples, of: str = "task") -> dict[str, Any]:
    """Return the OpenAPI of an operation that also accepts, as they are, the fields that only we set."""
    return {LATER: partial(_changes, adapter, examples, of)}


def _changes(adapter: TypeAdapter[Any], examples: Examples, of: str) -> dict[str, Any]:
    operation = _body(adapter, examples)
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    shown = TaskOut if of == "task" else UserOut
    for name, known in shown.model_json_schema()["properties"].items():
        if name in fields.READ_ONLY:
            schema["properties"][name] = known | {"readOnly": True}
    return operation | (TASK_ID if of == "task" else {})


def query(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    """Return the OpenAPI of an operation whose query string ``adapter`` validates."""
    return {LATER: partial(_query, adapter)}


def _query(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    found = []
    for name, schema in inlined(adapter)["properties"].items():
        parameter = {"name": name, "in": "query", "required": False, "schema": schema}
        for moved in ("description", "examples"):
            value = schema.pop(moved, None)
            if value:
                parameter |= {"description": value} if moved == "description" else {"example": value[0]}
        found.append(parameter)
    return {"parameters": found}


def path_parameter(name: str, description: str, example: str, schema: dict[str, Any]) -> dict[str, Any]:
    parameter = {"name": name, "in": "path", "required": True, "description": description, "example": example}
    return {"parameters": [parameter | {"schema": schema}]}


TASK_ID = path_parameter(
    "task_id", "The task's id", ID, {"type": "string", "format": "uuid", "pattern": UUID, "maxLength": 36}
)
USER_ID = path_parameter("user_id", "Your id", ID, {"type": "string", "minLength": 1, "maxLength": 128})


def inlined(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    schema = adapter.json_schema()
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            name = node.get("$ref", "").rpartition("/")[2]
            if name:
                return resolve(definitions[name])
            return {key: resolve(value) for key, value in node.items() if key != "discriminator"}
        return [resolve(element) for element in node] if isinstance(node, list) else node

    return dict(resolve(schema))
