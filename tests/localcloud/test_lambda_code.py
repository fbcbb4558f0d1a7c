"""Lambda: every published version keeps its own code."""

import io
import json
import urllib.request
import zipfile

import pytest

from tests.roles import OWNER


def package(text):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr(zipfile.ZipInfo("handler.py"), text)  # which has one date, whenever it is made
    return archive.getvalue()


@pytest.fixture
def function():
    client, iam, name = OWNER.client("lambda"), OWNER.client("iam"), "versions"
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="handler.handle",
        Code={"ZipFile": package("one")},
        Publish=True,
    )
    client.update_function_code(FunctionName=name, ZipFile=package("two"), Publish=True)
    yield name
    client.delete_function(FunctionName=name)
    iam.delete_role(RoleName=name)


@pytest.mark.parametrize(("version", "code"), [("1", "one"), ("2", "two"), (None, "two")])
def test_a_version_is_answered_with_its_code(function, version, code):
    chosen = {"Qualifier": version} if version else {}
    found = OWNER.client("lambda").get_function(FunctionName=function, **chosen)
    with urllib.request.urlopen(found["Code"]["Location"]) as answer:
        assert answer.read() == package(code)
