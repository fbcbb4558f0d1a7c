"""The Glue job does not start with a boto3 that could not commit what it made."""

from types import SimpleNamespace

import boto3
import pytest

from etl.glue.versions import require_conditional_writes, versions


def client(*members):
    """A client of S3 whose PutObject has these members."""
    shape = SimpleNamespace(members=dict.fromkeys(members))
    operation = SimpleNamespace(input_shape=shape)
    model = SimpleNamespace(operation_model={"PutObject": operation}.__getitem__)
    return SimpleNamespace(meta=SimpleNamespace(service_model=model))


def test_the_boto3_of_the_tests_can_commit():
    require_conditional_writes(boto3.client("s3"))


@pytest.mark.parametrize("members", [("Bucket", "Key"), ("Bucket", "Key", "IfNoneMatch")])
def test_an_older_one_is_refused_by_name(members):
    with pytest.raises(
        RuntimeError, match=rf"boto3 {boto3.__version__} .* too old.*additional-python-modules"
    ):
        require_conditional_writes(client(*members))


def test_says_what_it_runs_on():
    assert versions().keys() == {"python", "boto3", "botocore"}
    assert versions()["boto3"] == boto3.__version__
