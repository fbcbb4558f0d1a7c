"""What goes over the wire, as documented in OpenAPI; and the query string of the list."""

from typing import Annotated, Any

from ninja import Schema
from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

from tasks import fields
from tasks.selectors import LIMIT, MAX_LIMIT


class ChecklistEntryOut(Schema):
    """One line of a task's checklist."""

    id: str
    text: str
    done: bool


class TaskOut(Schema):
    """A task. Timestamps are ISO 8601 in UTC; `version` grows by one with every change and is the ETag."""

    id: str
    user_id: str
    title: str
    description: str | None
    status: fields.Status
    priority: fields.Priority
    category: str | None
    tags: list[str]
    due_date: str | None
    due_time: str | None
    timezone: str | None
    checklist: list[ChecklistEntryOut]
    recurrence: str | None
    created_at: str
    updated_at: str
    completed_at: str | None
    version: int


class UserOut(Schema):
    """A profile. `id` is the person's Cognito `sub`."""

    id: str
    email: str | None
    username: str
    name: str
    given_name: str | None
    family_name: str | None
    timezone: str | None
    created_at: str
    updated_at: str
    version: int


class HealthOut(Schema):
    """That the service answers, and which one it is."""

    status: str
    version: str
    environment: str


class FieldProblem(Schema):
    """What is wrong with one field."""

    field: str
    message: str
    code: str


class Problem(Schema):
    """An error, as of RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FieldProblem] = []


@with_config(ConfigDict(extra="forbid"))
class ListQuery(TypedDict, total=False):
    """Which tasks to list."""

    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT, default=LIMIT, description="How many at most")]
    cursor: Annotated[str, Field(description="From the Link header of an earlier page")]
    status: fields.Status
    priority: fields.Priority
    category: Annotated[str, Field(min_length=1, max_length=fields.CATEGORY_MAX)]
    tag: Annotated[str, Field(min_length=1, max_length=fields.TAG_MAX)]
    q: Annotated[
        str, Field(max_length=200, description="Text to look for in title, description, category and tags")
    ]


LIST_QUERY: TypeAdapter[Any] = TypeAdapter(ListQuery)


def body(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    """Return the OpenAPI of an operation whose JSON body ``adapter`` validates."""
    schema = _inlined(adapter)
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def query(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    """Return the OpenAPI of an operation whose query string ``adapter`` validates."""
    properties = _inlined(adapter)["properties"]
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in properties.items()
        ]
    }


def _inlined(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    schema = adapter.json_schema()
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            name = node.get("$ref", "").rpartition("/")[2]
            return (
                resolve(definitions[name]) if name else {key: resolve(value) for key, value in node.items()}
            )
        return [resolve(element) for element in node] if isinstance(node, list) else node

    return dict(resolve(schema))
