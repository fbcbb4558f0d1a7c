"""Business metrics: what is published of Gold's key figures, and how old it is said to be."""

import json
from datetime import UTC, datetime, timedelta

import boto3
import pytest
import time_machine

from etl import log
from etl.jobs import metrics, quality
from etl.lake import manifest
from etl.lake.layout import GOLD_KPIS
from etl.lake.manifest import File
from etl.lake.storage import Bucket
from etl.lake.tables import QUARANTINE
from tests.moto_aws import moto_aws

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CONFIG = metrics.MetricsConfig("bronze", "silver", "gold", "TodoInsights", "dev")
FIGURES = {
    "total_users": 2.0,
    "total_tasks": 8.0,
    "completion_rate": 0.25,
    "p50_hours_to_complete": 3.5,
}


@pytest.fixture
def cloud(monkeypatch):
    """An account with the two buckets; clients of its services by name."""
    with moto_aws():
        clients = {name: boto3.client(name) for name in ("s3", "cloudwatch")}
        for bucket in ("bronze", "silver", "gold"):
            clients["s3"].create_bucket(Bucket=bucket)
        monkeypatch.setattr(metrics, "client", clients.__getitem__)
        yield clients


@pytest.fixture
def published(cloud):
    """Gold, nine hours old."""
    at = (NOW - timedelta(hours=9)).isoformat()
    body = {"snapshot": "s1", "published_at": at, "values": FIGURES}
    cloud["s3"].put_object(Bucket="gold", Key=GOLD_KPIS, Body=json.dumps(body))


def deliver(cloud, at):
    """Let Firehose write a file to Bronze at a moment."""
    with time_machine.travel(at, tick=False):
        key = f"cdc/year={at:%Y}/month={at:%m}/day={at:%d}/user_bucket=00/{at:%H%M}.parquet"
        cloud["s3"].put_object(Bucket="bronze", Key=key, Body=b"")


def sent(cloud):
    """Value and unit of each metric that is in CloudWatch for this stage at NOW."""
    cloudwatch, found = cloud["cloudwatch"], {}
    stage = [{"Name": "Environment", "Value": "dev"}]
    for metric in cloudwatch.list_metrics(Namespace="TodoInsights", Dimensions=stage)["Metrics"]:
        (point,) = cloudwatch.get_metric_statistics(
            **metric, StartTime=NOW, EndTime=NOW + timedelta(minutes=1), Period=60, Statistics=["Sum"]
        )["Datapoints"]
        found[metric["MetricName"]] = (point["Sum"], point["Unit"])
    return found


def test_publishes_the_figures_of_the_snapshot(cloud, published):
    assert metrics.publish(CONFIG, NOW)["snapshot"] == "s1"
    assert sent(cloud) == {
        "TotalUsers": (2.0, "Count"),
        "TotalTasks": (8.0, "Count"),
        "CompletionRate": (25.0, "Percent"),
        "GoldAgeSeconds": (0.0, "Seconds"),
        "FailedChecks": (0.0, "Count"),
        "QuarantinedRows": (0.0, "Count"),
    }


def test_tells_of_failed_checks_and_of_the_quarantine(cloud, published):
    gold, silver = (Bucket(name, cloud["s3"]) for name in ("gold", "silver"))
    checks = [quality.Check("a", ok=False, found="1 of 2 wrong"), quality.Check("b", ok=True, found="")]
    quality.refuse(gold, {}, quality.QualityError(checks))
    parts = {(QUARANTINE.name, bucket): [File("", rows, 0)] for bucket, rows in (("00", 2), ("07", 3))}
    manifest.commit(
        silver, lambda current: current.successor("c", NOW, parts, as_of="", looked_at="", days={})
    )
    metrics.publish(CONFIG, NOW)
    assert sent(cloud)["FailedChecks"] == (1.0, "Count")
    assert sent(cloud)["QuarantinedRows"] == (5.0, "Count")


def test_a_change_that_waits_makes_the_figures_old(cloud, published):
    for waited in (timedelta(hours=10), timedelta(minutes=40), timedelta(minutes=1)):
        deliver(cloud, NOW - waited)
    metrics.publish(CONFIG, NOW)
    assert sent(cloud)["GoldAgeSeconds"] == (2400.0, "Seconds")


def test_a_change_that_waits_since_yesterday_counts_after_midnight(cloud):
    midnight = NOW.replace(hour=0)
    deliver(cloud, midnight - timedelta(seconds=1))
    assert metrics.age(CONFIG, midnight - timedelta(hours=1), midnight + timedelta(seconds=9)) == 10


def test_a_lake_without_a_snapshot_publishes_nothing(cloud):
    assert metrics.publish(CONFIG, NOW) == {"snapshot": None, "values": {}}
    assert sent(cloud) == {}


def test_every_published_figure_exists_in_gold():
    from etl.jobs.steps import sql_text

    text = sql_text("gold", "business_metrics_kpis")
    assert not [name for name in metrics.PUBLISHED if f"'{name}'" not in text]


def test_counts_of_a_log_line_are_metrics(monkeypatch, capsys):
    monkeypatch.setenv("METRICS_NAMESPACE", "TodoInsights")
    monkeypatch.setenv("ENVIRONMENT", "dev")
    log.log("capture", "delivered", counts={"ChangesFailed": 2})
    line = json.loads(capsys.readouterr().out)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive == {
        "Namespace": "TodoInsights",
        "Dimensions": [["Environment"]],
        "Metrics": [{"Name": "ChangesFailed", "Unit": "Count"}],
    }
    assert (line["ChangesFailed"], line["Environment"]) == (2, "dev")


def test_a_log_line_has_the_shape_of_all_our_logs(capsys):
    log.log("gold", "published", duration_ms=1.23, rows=3)
    line = json.loads(capsys.readouterr().out)
    shape = "timestamp level request_id user_id component operation duration_ms status message metadata"
    assert list(line) == shape.split()
