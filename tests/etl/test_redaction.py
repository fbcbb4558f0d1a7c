"""No secret reaches a log line: not in a message, nor in metadata, nor in the text of an error that leaves a handler"""

import io
import json
import logging
import sys

import pytest
from botocore.exceptions import ClientError

from etl import run
from etl.capture import handler as capture
from etl.jobs import metrics
from etl.log import log
from etl.redaction import REDACTED, redacted, redacted_text
from infra.handlers import lake_tables
from web.logging import JsonFormatter

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmVk"
SIGNED = (
    "https://b.s3.amazonaws.com/exports/a.json?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAXXXXXXXXEXAMPLEX"
    "%2F20261130&X-Amz-Security-Token=IQoJb3&X-Amz-Signature=5ec4e7&response-content-type=x"
)
# Texts, and what must not be left of them.
PLANTED = {
    f"refused {JWT}": JWT,
    f"refused todo_{'aB3-' * 11}": "aB3-",
    "Authorization: Bearer opaque-5ec4e7": "5ec4e7",
    "Authorization: Basic YW5uOmh1bnRlcjI1ZWM0ZTc=": "YW5uOmh1",
    "{'HTTP_AUTHORIZATION': 'Digest 5ec4e7', 'x': 1}": "5ec4e7",
    '{"authorization": "AWS4-HMAC-SHA256 Credential=A, Signature=5ec4e7"}': "5ec4e7",
    '{\\"Authorization\\": \\"Bearer 5ec4e7\\"}': "5ec4e7",
    "[(b'cookie', b'__Host-session=5ec4e7; csrftoken=f00d')]": "5ec4e7",
    "Cookie: __Host-session=5ec4e7; theme=dark": "5ec4e7",
    "Set-Cookie: __Host-session=5ec4e7; Path=/; HttpOnly": "5ec4e7",
    "password=5ec4e7&title=x": "5ec4e7",
    '{"new_password": "quote\\"5ec4e7"}': "5ec4e7",
    "X-Origin-Secret: 5ec4e7": "5ec4e7",
    "AWS_SECRET_ACCESS_KEY=5ec4e7/f00d+": "5ec4e7",
    "export AWS_SESSION_TOKEN='5ec4e7'": "5ec4e7",
    "SECRET_KEY: '5ec4e7'": "5ec4e7",
    "{'SecretString': '5ec4e7'}": "5ec4e7",
    "refresh_token=5ec4e7": "5ec4e7",
    "?csrfmiddlewaretoken=5ec4e7": "5ec4e7",
    "api-key = 5ec4e7": "5ec4e7",
    "sessionid=5ec4e7": "5ec4e7",
    f"cannot read {SIGNED} today": "5ec4e7",
    f"GET {SIGNED}": "IQoJb3",
    "/exports/a.json?X-Amz-Signature=5ec4e7": "5ec4e7",
    "https://d1.cloudfront.net/a?Expires=1&Signature=5ec4e7&Key-Pair-Id=K": "5ec4e7",
    "https://user:5ec4e7@example.com/": "5ec4e7",
    f"undo WyJhbm4iXQ:1vYx2Z:{'5ec4e7A' * 6}x": "5ec4e7",
    "credentials of AKIAIOSFODNN7EXAMPLE": "AKIAIOSFODNN7EXAMPLE",
    "-----BEGIN RSA PRIVATE KEY-----\nMII5ec4e7\n-----END RSA PRIVATE KEY-----": "5ec4e7",
}
HARMLESS = (
    "delivered stream records",
    "01a22c07-5e17-74f1-929c-d0d3ec484702",
    "2026-11-30T10:00:00.000Z",
    "s3://todo-bronze/cdc/table_name=todo-app-data/year=2026/part-0.parquet",
    "not authorized to perform: secretsmanager:GetSecretValue on arn:aws:secretsmanager:us-east-1:1:secret:todo-x",
    "SECRET_KEY_ARN=arn:aws:secretsmanager:us-east-1:000000000000:secret:todo-key",
    "https://todo.example/tasks/?q=due:today",
    "Value at 'executionParameters.1.member' failed to satisfy constraint",
    "todo_analytics.completed_tasks_by_day",
)


@pytest.mark.parametrize(("text", "secret"), PLANTED.items())
def test_a_secret_is_removed_from_a_text(text, secret):
    found = redacted_text(text)
    assert secret not in found
    assert REDACTED in found


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_stay(text):
    assert redacted_text(text) == text


def test_a_secret_is_removed_from_whatever_a_line_has():
    class Told:
        def __str__(self):
            return "password=5ec4e7"

    given = {
        "headers": [{"Authorization": "5ec4e7", "Accept": "x"}, ("Cookie: a=5ec4e7",)],
        "x-amz-security-token": b"5ec4e7",
        "password": "[never]",
        "tokens": 3,
        "error": ValueError("token=5ec4e7"),
        "told": {Told()},
        "nothing": None,
    }
    assert redacted(given) == {
        "headers": [{"Authorization": REDACTED, "Accept": "x"}, [f"Cookie: {REDACTED}"]],
        "x-amz-security-token": REDACTED,
        "password": "[never]",
        "tokens": 3,
        "error": f"token={REDACTED}",
        "told": [f"password={REDACTED}"],
        "nothing": None,
    }


@pytest.mark.parametrize(("text", "secret"), PLANTED.items())
def test_no_line_of_the_lake_has_a_secret(capsys, text, secret):
    log("capture", text, error=RuntimeError(text), key=text, nested={"headers": [text]})
    written = "".join(capsys.readouterr())
    assert secret not in written
    assert set(json.loads(written)["metadata"]) == {"key", "nested", "error"}


@pytest.mark.parametrize(("text", "secret"), PLANTED.items())
def test_no_line_of_the_web_has_a_secret(text, secret):
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("test.redaction")
    logger.addHandler(handler)
    try:
        raise ValueError(text)
    except ValueError as error:
        try:
            raise RuntimeError(f"again: {text}") from error
        except RuntimeError:
            logger.exception("failed: %s", text, extra={"operation": text, "metadata": {"a": [text]}})
    finally:
        logger.removeHandler(handler)
    assert secret not in written.getvalue()
    assert "RuntimeError" in json.loads(written.getvalue())["metadata"]["exception"]


ENTRY_POINTS = {
    "capture": (capture, "_read", lambda: capture.handler({"Records": []}, None)),
    "lake": (run, "_warm_lake", lambda: run.handler({"layer": "gold"}, None)),
    "metrics": (metrics, "metrics_config", lambda: metrics.handler({}, None)),
}


@pytest.mark.parametrize("name", ENTRY_POINTS)
@pytest.mark.parametrize(("text", "secret"), PLANTED.items())
def test_the_error_that_leaves_a_handler_has_no_secret_and_stays_what_it_is(
    monkeypatch, capsys, name, text, secret
):
    """Lambda writes its text to the log"""
    module, inner, call = ENTRY_POINTS[name]

    def fail(*_args):
        try:
            raise KeyError(text)
        except KeyError as cause:
            raise ClientError({"Error": {"Code": "Throttled", "Message": text}}, "Get") from cause

    monkeypatch.setattr(module, inner, fail)
    with pytest.raises(ClientError) as raised:
        call()
    sys.excepthook(raised.type, raised.value, raised.tb)
    assert secret not in "".join(capsys.readouterr())
    assert raised.value.response["Error"]["Code"] == "Throttled"


def test_cloudformation_and_the_log_are_told_no_secret(monkeypatch, capsys):
    answered = []

    def fail(_properties):
        raise RuntimeError(f"cannot read {SIGNED}")

    monkeypatch.setattr(lake_tables, "ensure", fail)
    monkeypatch.setattr(lake_tables, "_respond", lambda _event, outcome: answered.append(outcome))
    lake_tables.handler({"RequestType": "Create", "ResourceProperties": {"Database": "d"}}, None)
    assert answered[0]["Status"] == "FAILED"
    assert "5ec4e7" not in json.dumps(answered) + "".join(capsys.readouterr())
