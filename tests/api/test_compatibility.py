"""What the API has published stays: its document of now against one that was published before, and kept"""

import copy
import json
from pathlib import Path

import pytest

BEFORE = Path(__file__).resolve().parent.parent / "data" / "openapi-before.json"


@pytest.fixture
def before():
    return inlined(json.loads(BEFORE.read_text()))


@pytest.fixture
def now(client):
    return inlined(client.get("/api/openapi.json").json())


def inlined(document):
    """Return the operations with every reference resolved."""

    def resolve(node):
        if isinstance(node, list):
            return [resolve(element) for element in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            target = document
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            return resolve(target)
        return {name: resolve(value) for name, value in node.items()}

    return {
        f"{method.upper()} {path}": resolve(operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    }


def breaks(before, now):
    """Yield what a client of the operations ``before`` could miss in those of ``now``."""
    for name, old in before.items():
        new = now.get(name)
        if new is None:
            yield f"{name} is gone"
            continue
        for status, response in old["responses"].items():
            if status < "400":
                yield from (
                    f"{name} {status} {what}" for what in unanswered(response, new["responses"].get(status))
                )
        known = {(each["in"], each["name"]): each for each in new["parameters"]}
        for parameter in old["parameters"]:
            key = parameter["in"], parameter["name"]
            if key not in known or not accepts(parameter["schema"], known.pop(key)["schema"]):
                yield f"{name} {key}"
        yield from (f"{name} wants {key}" for key, each in known.items() if each["required"])
        for media_type, body in old.get("requestBody", {}).get("content", {}).items():
            wanted = new["requestBody"]["content"].get(media_type)
            if wanted is None or not accepts(body["schema"], wanted["schema"]):
                yield f"{name} body {media_type}"


def unanswered(old, new):
    if new is None:
        return ["is gone"]
    missing = old.get("headers", {}).keys() - new.get("headers", {}).keys()
    content = {
        media_type
        for media_type, shown in old.get("content", {}).items()
        if media_type not in new["content"]
        or not serves(shown["schema"], new["content"][media_type]["schema"])
    }
    return [*missing, *content]


def serves(old, new):
    """Return whether an answer as ``new`` is good for a client that was promised ``old``."""
    if "anyOf" in new:
        return any(serves(old, each) for each in new["anyOf"])
    if "anyOf" in old:
        return any(serves(each, new) for each in old["anyOf"])
    names = old.get("properties", {})
    return (
        old.get("type") == new.get("type")
        and set(new.get("enum", ())) <= set(old.get("enum", ()))
        and set(old.get("required", ())) <= set(new.get("required", ()))
        and all(name in new["properties"] and serves(names[name], new["properties"][name]) for name in names)
        and ("items" not in old or serves(old["items"], new["items"]))
    )


def accepts(old, new):
    """Return whether what was valid as ``old`` is valid as ``new``."""
    if "anyOf" in old:
        return all(accepts(each, new) for each in old["anyOf"])
    if "anyOf" in new:
        return any(accepts(old, each) for each in new["anyOf"])
    names, bounds = old.get("properties", {}), {"maxLength", "maxItems", "maximum"} & old.keys() & new.keys()
    return (
        old.get("type") == new.get("type")
        and set(old.get("enum", ())) <= set(new.get("enum", old.get("enum", ())))
        and set(new.get("required", ())) <= set(old.get("required", ()))
        and all(name in new["properties"] and accepts(names[name], new["properties"][name]) for name in names)
        and all(old[bound] <= new[bound] for bound in bounds)
        and ("items" not in old or accepts(old["items"], new["items"]))
    )


def test_what_was_there_is_there(before, now):
    assert len(before) > 30
    assert list(breaks(before, now)) == []


def changed(now, change):
    found = copy.deepcopy(now)
    change(found)
    return found


TASK = "/api/v1/tasks/{task_id}"


def task_of(operation):
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    return schema["anyOf"][0] if "anyOf" in schema else schema


@pytest.mark.parametrize(
    "change",
    [
        lambda now: now.pop(f"PUT {TASK}"),
        lambda now: now[f"GET {TASK}"]["responses"].pop("304"),
        lambda now: now[f"GET {TASK}"]["responses"]["200"]["headers"].pop("ETag"),
        lambda now: task_of(now[f"PATCH {TASK}"])["properties"].pop("title"),
        lambda now: task_of(now[f"PATCH {TASK}"])["required"].remove("title"),
        lambda now: task_of(now[f"PATCH {TASK}"])["properties"]["status"]["enum"].append("waiting"),
        lambda now: task_of(now[f"PATCH {TASK}"])["properties"]["title"].update(type="integer"),
        lambda now: now["GET /api/v1/tasks"]["parameters"].pop(0),
        lambda now: now["GET /api/v1/tasks"]["parameters"][0].update(name="other", required=True),
        lambda now: now["POST /api/v1/tasks"]["requestBody"]["content"].pop("application/json"),
        lambda now: new_task(now)["required"].append("due_date"),
        lambda now: new_task(now)["properties"].pop("tags"),
        lambda now: new_task(now)["properties"]["title"].update(maxLength=100),
        lambda now: new_task(now)["properties"]["priority"]["enum"].remove("urgent"),
    ],
)
def test_a_break_is_found(before, now, change):
    assert list(breaks(before, changed(now, change)))


def new_task(now):
    return now["POST /api/v1/tasks"]["requestBody"]["content"]["application/json"]["schema"]
