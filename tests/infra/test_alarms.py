"""Every alarm is seen to be raised, and to be quiet when it should be: its metrics are put into the local CloudWatch.

The local AWS evaluates the alarms (`localcloud.aws.cloudwatch`) as they are in the template. Only budgets are compared
with their definition: what AWS charges is nowhere to be put.
"""

import itertools
import re
import time
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest

from etl.jobs.metrics import PUBLISHED
from infra.alarms import LIMITS, alarm_definitions
from infra.names import Names
from infra.settings import Settings
from localcloud.server import LocalAws
from tests.infra.test_local import free_port

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
NONE = None
_regions = itertools.count()
# By alarm: metrics that must raise it, and metrics that must not. A list has a value for each period, the latest first;
# None is a period without data.
ERRORS_OF_MANY = ({"errors": [3, 3], "calls": [200, 200]}, {"errors": [2, 2], "calls": [200, 200]})
ERRORS_OF_FEW = ({"errors": [6], "calls": [7]}, {"errors": [5], "calls": [19]})
THROTTLES = [({"throttles": [1]}, {"throttles": [0]})]
SLOW = [({"duration": [5001, 5001]}, {"duration": [5001, 4000]})]
CASES = {
    "api-4xx": [
        (
            {"requests": [1000, 1000], "refused": [300, 300]},
            {"requests": [1000, 1000], "refused": [200, 200]},
        ),
        ({"requests": [100, 100], "refused": [26, 26]}, {"requests": [99, 99], "refused": [99, 99]}),
    ],
    "api-5xx": [
        ({"requests": [500, 500], "errors": [6, 6]}, {"requests": [500, 500], "errors": [5, 5]}),
        ({"requests": [7, 7], "errors": [7, 6]}, {"requests": [7, 7], "errors": [7, 5]}),
    ],
    "web-errors": [ERRORS_OF_MANY, ERRORS_OF_FEW],
    "web-throttles": THROTTLES,
    "web-duration": SLOW,
    "capture-errors": [({"errors": [6]}, {"errors": [5]})],
    "capture-throttles": THROTTLES,
    "capture-duration": SLOW,
    "metrics-errors": [({"errors": [1, 3, 3]}, {"errors": [3, NONE, 3]})],
    "metrics-throttles": THROTTLES,
    "metrics-duration": SLOW,
    "lake-errors": [({"errors": [3]}, {"errors": [2]})],
    "lake-throttles": THROTTLES,
    "table-read-throttles": [({"refused": [1]}, {"refused": [0]})],
    "table-write-throttles": [({"refused": [1]}, {"refused": [0]})],
    "index-read-throttles": [({f"gsi{number}": [1]}, {"gsi1": [0]}) for number in range(1, 6)],
    "index-write-throttles": [({f"gsi{number}": [1]}, {"gsi1": [0]}) for number in range(1, 6)],
    "capture-iterator-age": [({"age": [300_001, 300_001]}, {"age": [300_001, 0]})],
    "capture-silent": [
        ({"writes": [9, 9]}, {"writes": [9, NONE, NONE], "calls": [NONE, NONE, 1]}),
        ({"writes": [9, NONE, NONE, NONE, 4], "calls": [0]}, {"writes": [9, 9], "calls": [1, 1]}),
    ],
    "capture-failures": [({"messages": [1]}, {"messages": [0]})],
    "changes-delivery-failures": [({"value": [0.5]}, {"value": [1]})],
    "changes-delivery-age": [({"value": [901]}, {"value": [60]})],
    "changes-conversion-failures": [({"value": [1]}, {"value": [0]})],
    "logs-delivery-failures": [({"value": [0.5]}, {"value": [1]})],
    "logs-delivery-age": [({"value": [901]}, {"value": [300]})],
    "logs-conversion-failures": [({"value": [1]}, {"value": [0]})],
    "logs-silent": [
        ({"requests": [5, NONE, 5, 5]}, {"requests": [5, NONE, 5, NONE]}),
        ({"requests": [5, 5, 5], "records": [0, 0, 0]}, {"requests": [5, 5, 5], "records": [2, 2, 2]}),
    ],
    "lake-run-failures": [
        ({"failed": [1]}, {"failed": [NONE, 1]}),
        ({"late": [1]}, {"late": [0]}),
        ({"aborted": [1]}, {"failed": [0]}),
    ],
    "lake-runs-missing": [({"started": [NONE, NONE, NONE, 1]}, {"started": [NONE, 1, 1]})],
    "silver-job-failures": [({"tasks": [1]}, {"tasks": [0]})],
    "gold-job-failures": [({"tasks": [1]}, {"tasks": [0]})],
    "lake-age": [
        ({"value": [10801] * 3}, {"value": [1799] * 3}),
        ({"value": [NONE] * 3 + [0]}, {"value": [0]}),
    ],
    "lake-checks-failed": [({"value": [1]}, {"value": [0]})],
    "lake-quarantine": [({"value": [1]}, {"value": [0]})],
}
ENGINES = {"dev": Settings("dev"), "prod": Settings("prod", engine="glue", suffix="-eu")}
DEFINED = {
    stage: {each.slug: each for each in alarm_definitions(Names(settings))}
    for stage, settings in ENGINES.items()
}
EACH = [(stage, slug) for stage, defined in DEFINED.items() for slug in defined]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    started = LocalAws(tmp_path_factory.mktemp("aws"), free_port())
    started.start()
    yield started
    started.kill()


@pytest.fixture
def cloudwatch(server):
    """Return a function that returns a client for a region that has no metrics yet."""

    def client():
        return boto3.client(
            "cloudwatch",
            endpoint_url=server.endpoint_url,
            region_name=f"us-test-{next(_regions)}",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    return client


def properties(assembly, stage, slug):
    """Return what CloudFormation would send to PutMetricAlarm, without the topic, which is not there."""
    name = f"{ENGINES[stage].name(f'todo-{stage}-{slug}')}"
    found = assembly.one("AWS::CloudWatch::Alarm", AlarmName=name)
    return {key: value for key, value in found.items() if key not in {"AlarmActions", "OKActions", "Tags"}}


def sources(alarm):
    """The metrics of an alarm by the names that its expression gives them."""
    if "Metrics" not in alarm:
        return {None: (alarm, int(alarm["Period"]))}
    queries = [query for query in alarm["Metrics"] if "MetricStat" in query]
    return {q["Id"]: (q["MetricStat"]["Metric"], int(q["MetricStat"]["Period"])) for q in queries}


def feed(client, alarm, values):
    found = sources(alarm)
    for name, series in values.items():
        metric, period = found[None] if None in found else found[name]
        for number, value in enumerate(series):
            if value is NONE:
                continue
            moment = datetime.fromtimestamp(time.time() - (number + 0.5) * period, UTC)
            datum = {"MetricName": metric["MetricName"], "Dimensions": metric["Dimensions"]}
            client.put_metric_data(
                Namespace=metric["Namespace"], MetricData=[{**datum, "Value": value, "Timestamp": moment}]
            )


def state(client):
    (alarm,) = client.describe_alarms()["MetricAlarms"]
    return alarm["StateValue"]


def test_every_alarm_has_its_cases():
    assert all(set(defined) == set(CASES) for defined in DEFINED.values())


@pytest.mark.parametrize(("stage", "slug"), EACH)
def test_an_alarm_is_raised_and_stays_quiet(request, cloudwatch, stage, slug):
    alarm = properties(request.getfixturevalue(stage), stage, slug)
    for raising, calm in CASES[slug]:
        for values, wanted in ((raising, "ALARM"), (calm, "OK")):
            client = cloudwatch()
            client.put_metric_alarm(**alarm)
            feed(client, alarm, values)
            client.put_metric_alarm(**alarm)  # evaluated again, where there was nothing to feed
            assert state(client) == wanted, values


@pytest.mark.parametrize(("stage", "slug"), EACH)
def test_an_alarm_says_what_no_data_means(request, cloudwatch, stage, slug):
    definition = DEFINED[stage][slug]
    alarm = properties(request.getfixturevalue(stage), stage, slug)
    client = cloudwatch()
    client.put_metric_alarm(**alarm)
    assert state(client) == ("ALARM" if definition.no_data.alarms else "OK")
    assert len(definition.no_data.reason) > 20
    assert alarm["TreatMissingData"] == ("breaching" if definition.no_data.alarms else "notBreaching")


def test_the_metrics_of_another_resource_raise_nothing(dev, cloudwatch):
    client = cloudwatch()
    client.put_metric_alarm(**properties(dev, "dev", "capture-errors"))
    feed(client, properties(dev, "dev", "metrics-errors"), {"errors": [100, 100, 100]})
    assert state(client) == "OK"


def test_the_ages_that_raise_depend_on_the_engine(dev, prod):
    ages = [
        properties(each, stage, "lake-age")["Threshold"] for each, stage in ((dev, "dev"), (prod, "prod"))
    ]
    assert ages == [30 * 60, 3 * 60 * 60]


def test_every_global_index_is_watched(dev):
    indexes = {index["IndexName"] for index in dev.one("AWS::DynamoDB::Table")["GlobalSecondaryIndexes"]}
    for kind in ("read", "write"):
        watched = sources(properties(dev, "dev", f"index-{kind}-throttles")).values()
        dimensions = [{d["Name"]: d["Value"] for d in metric["Dimensions"]} for metric, _ in watched]
        assert {each["GlobalSecondaryIndexName"] for each in dimensions} == indexes
        assert {each["TableName"] for each in dimensions} == {"todo-app-data"}


def test_only_tasks_are_in_the_index_that_stands_for_changes():
    """Else capture would be called silent although nothing that it captures was written."""
    from infra.alarms import TASK_INDEX

    users = {
        path.name
        for folder in ("store", "tasks", "identity")
        for path in (ROOT / folder).glob("**/*.py")
        if re.search(rf'["\s]{TASK_INDEX}PK"?[:=]', path.read_text())
    }
    assert users == {"items.py"}
    assert f"{TASK_INDEX}PK" not in (ROOT / "identity" / "items.py").read_text()


def test_budgets_watch_what_costs_in_every_region(dev):
    budgets = [each["Properties"] for each in dev.resources("AWS::Budgets::Budget").values()]
    limits = {
        each["Budget"]["CostFilters"]["Service"][0]: each["Budget"]["BudgetLimit"]["Amount"]
        for each in budgets
    }
    assert limits == {limit.budget_name: limit.usd for limit in LIMITS}
    assert limits["Amazon DynamoDB"] == 50
    assert limits["AWS Lambda"] == 20
    for each in budgets:
        ((notice,),) = [each["NotificationsWithSubscribers"]]
        assert notice["Notification"] == {
            "ComparisonOperator": "GREATER_THAN",
            "NotificationType": "ACTUAL",
            "Threshold": 100,
            "ThresholdType": "PERCENTAGE",
        }
        assert [subscriber["SubscriptionType"] for subscriber in notice["Subscribers"]] == ["SNS"]
    alarms = dev.resources("AWS::CloudWatch::Alarm").values()
    assert not [a for a in alarms if a["Properties"].get("Namespace") == "AWS/Billing" or "Condition" in a]


def test_the_bill_counts_every_alarm():
    model = (ROOT / "todo_site" / "costs" / "model.py").read_text()
    alarm_metrics, metrics = re.search(
        r"^ALARM_METRICS, METRICS = (\d+), (\d+)", model, re.MULTILINE
    ).groups()
    defined = DEFINED["dev"].values()
    assert sum(len(alarm.metrics) for alarm in defined) == int(alarm_metrics)
    published = len(PUBLISHED) + len(("GoldAgeSeconds", "FailedChecks", "QuarantinedRows"))
    assert published + len(("Received", "Delivered", "Failed", "Lag")) == int(metrics)
