"""GET /api/openapi.json"""

import json
import re

import pytest

OURS = ("/api/v1/tasks", "/api/v1/trash", "/api/v1/users", "/api/health")


@pytest.fixture
def document(client):
    return client.get("/api/openapi.json").json()


@pytest.fixture
def operations(document):
    """Every operation by its method and path."""
    return {
        f"{method.upper()} {path}": operation
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def test_the_document_lists_every_operation(document, operations):
    assert document["openapi"].startswith("3.1")
    task, user = "/api/v1/tasks/{task_id}", "/api/v1/users/{user_id}"
    assert {name for name in operations if name.partition(" ")[2].startswith(OURS)} == {
        "GET /api/health",
        *(f"{method} /api/v1/users" for method in ("POST", "GET", "PUT")),
        *(f"{method} /api/v1/users/me" for method in ("GET", "PATCH")),
        f"GET {user}",
        *(f"{method} /api/v1/tasks" for method in ("POST", "GET")),
        *(f"{method} {task}" for method in ("GET", "PUT", "PATCH", "DELETE")),
        f"POST {task}/restore",
        "POST /api/v1/tasks/batch",
        "GET /api/v1/trash",
        *(f"{method} /api/v1/trash/{{task_id}}" for method in ("GET", "DELETE")),
    }


def test_the_tags_described_are_those_in_use(document, operations):
    used = {tag for operation in operations.values() for tag in operation["tags"]}
    assert {tag["name"] for tag in document["tags"]} == used


def test_bodies_and_queries_are_described(operations):
    body = operations["POST /api/v1/tasks"]["requestBody"]["content"]["application/json"]
    assert body["schema"]["required"] == ["title"]
    assert body["schema"]["properties"]["checklist"]["anyOf"][0]["items"]["properties"]["text"]
    assert body["examples"]["full"]["value"]["recurrence"] == "FREQ=MONTHLY"
    names = {parameter.get("name") for parameter in operations["GET /api/v1/tasks"]["parameters"]}
    filters = {"status", "priority", "category", "tag", "due_before", "due_after", "overdue", "q"}
    assert {"limit", "cursor", "updated_since", "sort", "fields"} | filters <= names


def test_every_operation_says_what_a_generator_needs(operations):
    ids = [operation["operationId"] for operation in operations.values()]
    assert len(ids) == len(set(ids))
    for name, operation in operations.items():
        assert operation["summary"], name
        assert operation["description"], name
        assert len(operation["tags"]) == 1, name
        if name != "GET /api/health":
            assert {"401", "403", "429", "431", "500", "503"} <= operation["responses"].keys(), name
            assert "security" not in operation, name


def test_every_unsafe_method_takes_an_idempotency_key(operations):
    key = {"$ref": "#/components/parameters/IdempotencyKey"}
    for name, operation in operations.items():
        unsafe = not name.startswith("GET ")
        assert (key in operation.get("parameters", [])) == unsafe, name


def test_every_error_is_a_problem(document, operations):
    for name, operation in operations.items():
        for status, response in operation["responses"].items():
            if status >= "400":
                assert response == {"$ref": f"#/components/responses/Problem{status}"}, name
    for response in document["components"]["responses"].values():
        assert list(response["content"]) == ["application/problem+json"]


def test_references_lead_somewhere(document):
    text = json.dumps(document)
    for reference in {part.split('"')[0] for part in text.split('"$ref": "#/')[1:]}:
        node = document
        for step in reference.split("/"):
            node = node[step]


def test_answers_may_grow_and_requests_are_strict(document, operations):
    closed = [
        name for name, schema in document["components"]["schemas"].items() if "additionalProperties" in schema
    ]
    assert closed == []
    for name, operation in operations.items():
        content = operation.get("requestBody", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False, name


def test_every_list_has_pages_and_a_tag(operations):
    lists = {
        name: operation
        for name, operation in operations.items()
        if "items"
        in operation["responses"]
        .get("200", {})
        .get("content", {})
        .get("application/json", {})
        .get("schema", {})
    }
    assert len(lists) == 8
    del lists["GET /api/v1/export"]  # a file
    for name, operation in lists.items():
        assert {"ETag", "Link"} <= operation["responses"]["200"]["headers"].keys(), name
        assert "304" in operation["responses"], name
        parameters = {parameter.get("name") for parameter in operation["parameters"]}
        assert {"limit", "cursor"} <= parameters or "page" in parameters, name


def test_conditions_of_writes_have_a_pattern(document):
    parameters = document["components"]["parameters"]
    for name in ("IfMatch", "IfNoneMatch"):
        pattern = re.compile(parameters[name]["schema"]["pattern"])
        assert all(pattern.search(tags) for tags in ("*", '"1"', 'W/"1"', '"7", "1"', ', "1",'))
        assert not any(pattern.search(tags) for tags in ("0", "", "'1'", '"1" "2"', '*, "1"', ","))
    assert not re.search(parameters["IdempotencyKey"]["schema"]["pattern"], " a")
    assert re.search(parameters["IfNoneMatchOfRead"]["schema"]["pattern"], "0")
