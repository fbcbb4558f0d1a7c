"""GET /api/openapi.json"""


def test_it_works(client):
    document = client.get("/api/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    operations = {(method.upper(), path) for path, item in document["paths"].items() for method in item}
    task, user = "/api/v1/tasks/{task_id}", "/api/v1/users/{user_id}"
    assert operations == {
        ("GET", "/api/health"),
        ("POST", "/api/v1/users"),
        ("GET", "/api/v1/users"),
        ("PUT", "/api/v1/users"),
        ("GET", user),
        ("POST", "/api/v1/tasks"),
        ("GET", "/api/v1/tasks"),
        *((method, task) for method in ("GET", "PUT", "PATCH", "DELETE")),
    }


def test_bodies_and_queries_are_described(client):
    paths = client.get("/api/openapi.json").json()["paths"]
    body = paths["/api/v1/tasks"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["title"]
    assert body["properties"]["checklist"]["anyOf"][0]["items"]["properties"]["text"]
    names = {parameter["name"] for parameter in paths["/api/v1/tasks"]["get"]["parameters"]}
    assert {"limit", "cursor", "status", "q"} <= names
