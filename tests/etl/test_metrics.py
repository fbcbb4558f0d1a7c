"""Business metrics: what is published of Gold's key figures, and how old it is said to be."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from etl import log
from etl.jobs import metrics
from tests.etl.memory import failure

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CONFIG = metrics.MetricsConfig("bronze", "gold", "TodoInsights", "dev")
FIGURES = {
    "total_users": 2.0,
    "total_tasks": 8.0,
    "completion_rate": 0.25,
    "p50_hours_to_complete": 3.5,
}


class S3:
    """Gold's key figures, and Bronze files by the time they were written."""

    def __init__(self, published=None):
        self.published, self.written = published, []

    def get_object(self, *, Key, **_):
        assert Key == "gold/_kpis.json"
        if self.published is None:
            raise failure("NoSuchKey", "GetObject")
        body = {"snapshot": "s1", "published_at": self.published.isoformat(), "values": FIGURES}
        return {"Body": io.BytesIO(json.dumps(body).encode()), "ETag": "x"}

    def get_paginator(self, _):
        return self

    def paginate(self, *, Prefix, **_):
        found = [at for at in self.written if Prefix == f"cdc/year={at:%Y}/month={at:%m}/day={at:%d}/"]
        return [{"Contents": [{"LastModified": at} for at in found]}]


class CloudWatch:
    def __init__(self):
        self.sent = []

    def put_metric_data(self, **given):
        self.sent.append(given)


@pytest.fixture
def cloud(monkeypatch):
    clients = {"s3": S3(NOW - timedelta(hours=9)), "cloudwatch": CloudWatch()}
    monkeypatch.setattr(metrics, "client", clients.__getitem__)
    return clients


def sent(cloud):
    (call,) = cloud["cloudwatch"].sent
    return {entry["MetricName"]: (entry["Value"], entry["Unit"]) for entry in call["MetricData"]}


def test_publishes_the_figures_of_the_snapshot(cloud):
    assert metrics.publish(CONFIG, NOW)["snapshot"] == "s1"
    assert sent(cloud) == {
        "TotalUsers": (2.0, "Count"),
        "TotalTasks": (8.0, "Count"),
        "CompletionRate": (25.0, "Percent"),
        "GoldAgeSeconds": (0.0, "Seconds"),
    }
    (call,) = cloud["cloudwatch"].sent
    assert call["Namespace"] == "TodoInsights"
    assert call["MetricData"][0]["Dimensions"] == [{"Name": "Environment", "Value": "dev"}]


def test_a_change_that_waits_makes_the_figures_old(cloud):
    cloud["s3"].written = [NOW - timedelta(hours=10), NOW - timedelta(minutes=40), NOW - timedelta(minutes=1)]
    metrics.publish(CONFIG, NOW)
    assert sent(cloud)["GoldAgeSeconds"] == (2400.0, "Seconds")


def test_a_lake_without_a_snapshot_publishes_nothing(cloud):
    cloud["s3"].published = None
    assert metrics.publish(CONFIG, NOW) == {"snapshot": None, "values": {}}
    assert cloud["cloudwatch"].sent == []


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
