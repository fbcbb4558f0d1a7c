"""Every refusal has a code, every code is explained, and no code is explained that nobody sends"""

import ast
from pathlib import Path

import pytest
from django.urls import reverse

from tests.api.client import TASKS, assert_problem
from todo_site import api_problems
from todo_site.api_problems import PROBLEMS
from web import problems

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("store", "web", "dynamo_admin", "identity", "tasks", "insights", "todo_site")
# Refusals that only pages make: they have words, and nobody sees a code.
ON_PAGES = {"too-many-searches", "too-many-tries"}


def classes(tree):
    """Yield name, status and code of the module's errors."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            own = {
                target.id: part.value.value
                for part in node.body
                if isinstance(part, ast.Assign) and isinstance(part.value, ast.Constant)
                for target in part.targets
            }
            if "status" in own and own["status"] != 500:
                yield node.name, own["status"], own.get("kind")


def calls(tree, codes):
    """Yield status and code of the problems that the module makes by itself; the code is None if it names none."""
    constants = {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        name = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if name == "RequestProblem":
            status, code = node.args[:2]
        elif name in {"problems.response", "response"} and len(node.args) == 2:
            status, code = node.args[1], next((k.value for k in node.keywords if k.arg == "kind"), None)
        else:
            continue
        if isinstance(code, ast.Attribute):
            yield status.value, codes[code.value.id]
        elif isinstance(code, ast.Name):
            yield status.value, constants[code.id]
        elif code is not None:
            yield status.value, code.value


def sent():
    """Return every code with its statuses, as the code of the product has them."""
    trees = [ast.parse(path.read_text()) for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    errors = [error for tree in trees for error in classes(tree)]
    assert not [name for name, _, code in errors if not code]
    codes = {name: code for name, _, code in errors}
    pairs = {(code, status) for _, status, code in errors}
    pairs |= {(code, status) for tree in trees for status, code in calls(tree, codes)}
    return pairs | {(code, status) for status, code in problems.CODES.items()}


def test_every_code_is_explained_and_sent():
    explained = {(code, status) for code, problem in PROBLEMS.items() for status in problem.statuses}
    assert explained == {(code, status) for code, status in sent() if code not in ON_PAGES}
    assert list(PROBLEMS) == sorted(PROBLEMS)


def test_the_document_is_up_to_date():
    """Otherwise: `make errors`."""
    assert (ROOT / "docs" / "errors.md").read_text() == api_problems.markdown()


def test_the_site_explains_each_code_where_problems_say(client, settings):
    assert reverse("api-errors", settings.ROOT_URLCONF) == problems.REFERENCE
    page = client.get(problems.REFERENCE).content.decode()
    for code in PROBLEMS:
        assert page.count(f'<section id="{code}">') == 1
    assert "<code>Retry-After</code>" in page


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        ("GET", f"{TASKS}/nothing", None, "task-not-found"),
        ("GET", "/api/v1/nothing", None, "path-not-found"),
        ("GET", "/api/v1/exports/nothing", None, "export-not-found"),
        ("GET", "/api/v1/imports/nothing", None, "import-not-found"),
        ("GET", "/api/v1/tokens/nothing", None, "access-token-not-found"),
        ("GET", "/api/v1/users/nobody", None, "user-not-found"),
        ("GET", "/api/v1/calendar", None, "calendar-feed-not-found"),
        ("GET", "/api/v1/insights", None, "managers-only"),
        ("POST", TASKS, None, "body-missing"),
        ("POST", TASKS, {}, "validation"),
        ("TRACE", TASKS, None, "method-not-allowed"),
    ],
)
def test_what_has_the_same_status_is_told_apart(as_alice, settings, method, path, body, code):
    answer = as_alice(method, path, body)
    problem = assert_problem(answer, answer.status_code)
    assert problem["code"] == code
    assert problem["type"] == f"urn:todo:problem:{code}"
    assert problem["docs"] == f"{settings.APP_URL}/api/docs/errors#{code}"


def test_the_results_of_a_batch_have_codes(as_alice):
    body = {"operations": [{"op": "delete", "id": "nothing"}]}
    (result,) = as_alice("POST", f"{TASKS}/batch", body).json()["results"]
    assert result["problem"]["code"] == "task-not-found"
