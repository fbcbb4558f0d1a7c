"""API Gateway: the media types that a patch adds are those it names."""

import pytest

from tests.roles import OWNER


@pytest.fixture
def api():
    client = OWNER.client("apigateway")
    made = client.create_rest_api(name="binary")["id"]
    yield made
    client.delete_rest_api(restApiId=made)


def test_binary_media_types_are_unescaped_and_added(api):
    client = OWNER.client("apigateway")
    for path in ("*~1*", "image~1png"):
        operation = {"op": "add", "path": f"/binaryMediaTypes/{path}"}
        client.update_rest_api(restApiId=api, patchOperations=[operation])
    assert "image/png" in client.get_rest_api(restApiId=api)["binaryMediaTypes"]
    assert "*/*" in client.get_rest_api(restApiId=api)["binaryMediaTypes"]
