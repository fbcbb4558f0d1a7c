"""Business metrics: what is published from Gold, how old it is said to be, and what a failing query does."""

import io
import json
from datetime import UTC, datetime, timedelta

import pytest

from etl import log
from etl.jobs import metrics
from tests.etl.memory import failure

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
CONFIG = metrics.MetricsConfig("bronze", "gold", "todo_analytics", "group", "TodoInsights", "dev")
FIGURES = {
    "total_users": "2.0",
    "total_tasks": "8.0",
    "completion_rate": "0.25",
    "p50_hours_to_complete": "3.5",
}


class S3:
    """Gold's pointer, and Bronze files by the time they were written."""

    def __init__(self, published=None):
        self.published, self.written = published, []

    def get_object(self, **_):
        if self.published is None:
            raise failure("NoSuchKey", "GetObject")
        body = {"snapshot": "s1", "published_at": self.published.isoformat()}
        return {"Body": io.BytesIO(json.dumps(body).encode()), "ETag": "x"}

    def get_paginator(self, _):
        return self

    def paginate(self, *, Prefix, **_):
        found = [at for at in self.written if Prefix == f"cdc/year={at:%Y}/month={at:%m}/day={at:%d}/"]
        return [{"Contents": [{"LastModified": at} for at in found]}]


class Athena:
    """Answers one query with `FIGURES`, or with a state that is none."""

    def __init__(self, state="SUCCEEDED"):
        self.state = state

    def start_query_execution(self, **given):
        assert given["WorkGroup"] == "group"
        return {"QueryExecutionId": "q1"}

    def get_query_execution(self, **_):
        return {"QueryExecution": {"Status": {"State": self.state, "StateChangeReason": "no such table"}}}

    def get_query_results(self, **_):
        rows = [("metric", "value"), *FIGURES.items()]
        data = [{"Data": [{"VarCharValue": cell} for cell in row]} for row in rows]
        return {"ResultSet": {"Rows": data}}


class CloudWatch:
    def __init__(self):
        self.sent = []

    def put_metric_data(self, **given):
        self.sent.append(given)


@pytest.fixture
def cloud(monkeypatch):
    clients = {"s3": S3(NOW - timedelta(hours=9)), "athena": Athena(), "cloudwatch": CloudWatch()}
    monkeypatch.setattr(metrics, "client", clients.__getitem__)
    return clients


def sent(cloud):
    (call,) = cloud["cloudwatch"].sent
    return {entry["MetricName"]: (entry["Value"], entry["Unit"]) for entry in call["MetricData"]}


def test_it_works(cloud):
    assert metrics.publish(CONFIG, NOW)["snapshot"] == "s1"
    assert sent(cloud) == {
        "TotalUsers": (2.0, "Count"),
        "TotalTasks": (8.0, "Count"),
        "CompletionRate": (0.25, "None"),
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


def test_a_failed_query_fails_the_function_with_athenas_reason(cloud):
    cloud["athena"].state = "FAILED"
    with pytest.raises(metrics.QueryError, match="no such table"):
        metrics.publish(CONFIG, NOW)
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
