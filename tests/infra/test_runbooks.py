"""Whoever types a command of the runbooks at night is understood."""

import re

import pytest

from tests.infra import awscli

LINES = [(path, line) for path in awscli.DOCUMENTS for line in awscli.lines(path)]


def test_every_aws_command_of_the_runbooks_is_found():
    written = sum(len(re.findall(r"\baws [a-z0-9-]+ [a-z]", path.read_text())) for path in awscli.DOCUMENTS)
    assert len(LINES) == written > 20


@pytest.mark.parametrize(("path", "line"), LINES, ids=lambda value: getattr(value, "stem", str(value)[:60]))
def test_a_command_is_one_that_aws_has(path, line):
    awscli.read(line).check()


@pytest.mark.parametrize(
    "line",
    [
        "aws lambda put-function-concurency --function-name x --reserved-concurrent-executions 0",
        "aws lambda put-function-concurrency --function x --reserved-concurrent-executions 0",
        "aws lambda put-function-concurrency --function-name x --reserved-concurrent-executions none",
        "aws sqs receive-message --visibility-timeout 30",
        "aws sqs list-queues --query 'Messages['",
        "aws s3 list s3://bucket/",
    ],
)
def test_a_wrong_one_is_noticed(line):
    with pytest.raises(Exception):  # noqa: B017, PT011  each layer has its own
        awscli.read(line).check()
