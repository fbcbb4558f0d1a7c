"""The Glue job does not start with a boto3 that could not commit what it made."""

import importlib
import json
import sys
from types import SimpleNamespace
from unittest.mock import MagicMock

import boto3
import pytest

from etl.glue.versions import require_conditional_writes, versions

SPARK = ("pyspark", "pyspark.errors", "pyspark.sql", "pyspark.sql.types")
OF_SPARK = ("etl.glue.lake_job", "etl.glue.spark_workspace", "etl.engine.spark")


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


@pytest.fixture
def job(monkeypatch):
    """The job, with a stand-in for PySpark, which only Glue has."""
    for name in SPARK:
        monkeypatch.setitem(sys.modules, name, MagicMock())
    sys.modules["pyspark.sql"].SparkSession.builder.appName().getOrCreate().version = "3.5.6"
    yield importlib.import_module(OF_SPARK[0])
    for name in OF_SPARK:
        sys.modules.pop(name, None)


def test_the_job_says_what_it_runs_on_and_then_stops_before_it_reads(job, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(job, "client", lambda service: asked.append(service) or client("Bucket", "Key"))
    monkeypatch.setattr(job, "Lake", lambda *_: pytest.fail("it has begun"))
    buckets = [
        word for layer in ("BRONZE", "SILVER", "GOLD") for word in (f"--{layer}_BUCKET", layer.lower())
    ]
    with pytest.raises(RuntimeError, match="too old"):
        job.main([*buckets, "--GLUE_DATABASE", "lake", "--layer", "silver"])
    (said,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert said["message"] == "started"
    assert said["metadata"]["versions"] == {**versions(), "spark": "3.5.6"}
    assert asked == ["s3"]
