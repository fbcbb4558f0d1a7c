"""Every alarm: its metrics, its threshold, its meaning, and what it means if there is no data.

Each has a section in the alarms runbook.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.names import Names
from infra.policies import arn
from infra.settings import METRICS_NAMESPACE
from store.model import table_definition

RUNBOOK = "docs/runbooks/alarms.md"
MAX_DURATION_MS = 5000
MAX_ERRORS = 5
FEW_REQUESTS = 20  # below it, a share says little, and MAX_ERRORS counts
MAX_ERROR_PERCENT = 1
MAX_REFUSED_PERCENT = 25
MANY_REQUESTS = 100
MAX_ITERATOR_AGE_MS = 5 * 60 * 1000
MAX_DELIVERY_AGE_SECONDS = 15 * 60
MAX_LAKE_AGE_SECONDS = {"embedded": 30 * 60, "glue": 3 * 60 * 60}
STEP_ATTEMPTS = 3  # of a step of the state machine
TASK_INDEX = "GSI3"  # of all items, only tasks have an entry in it


class NoData(NamedTuple):
    """What missing data means: whether it raises the alarm, and why."""

    alarms: bool
    reason: str


NOTHING_CALLED = NoData(alarms=False, reason="nothing was called, so nothing failed")
NOTHING_REFUSED = NoData(alarms=False, reason="published only when something is refused")
NOTHING_WAITS = NoData(alarms=False, reason="published only while there is something to send")
SUMMED = NoData(alarms=False, reason="what is missing counts as 0 within the expression")
NO_SPARK = NoData(alarms=False, reason="published only while a Spark job runs")
MUST_BE_THERE = NoData(alarms=True, reason="published every few minutes: whoever publishes it has died")


@dataclass(frozen=True, slots=True)
class Metric:
    """A statistic of one metric of one resource."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    statistic: str = "Sum"


@dataclass(frozen=True, slots=True)
class AlarmDefinition:
    """An alarm: a value above `threshold` in `of` (all) of the last `periods` of `minutes` each.

    Parameters
    ----------
    slug
        End of its name, and its section in the runbook.
    meaning
        First line of the message that the person on call reads.
    metrics
        By the name that they have in `expression`; one metric needs no expression.
    no_data
        What it means if the value is missing.
    below
        Raise the alarm below the threshold instead of above it.
    """

    slug: str
    meaning: str
    metrics: Mapping[str, Metric]
    threshold: float
    no_data: NoData
    expression: str = ""
    minutes: int = 5
    periods: int = 1
    of: int | None = field(default=None, kw_only=True)
    below: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Limit:
    """The cost limit of a service: its names in billing metrics and in budgets, and USD a month."""

    slug: str
    billing_name: str
    budget_name: str
    usd: int


LIMITS = (
    Limit("dynamodb-cost", "AmazonDynamoDB", "Amazon DynamoDB", 50),
    Limit("lambda-cost", "AWSLambda", "AWS Lambda", 20),
    Limit("api-gateway-cost", "AmazonApiGateway", "Amazon API Gateway", 20),
    Limit("s3-cost", "AmazonS3", "Amazon Simple Storage Service", 10),
    Limit("firehose-cost", "AmazonKinesisFirehose", "Amazon Kinesis Firehose", 10),
    Limit("athena-cost", "AmazonAthena", "Amazon Athena", 20),
    Limit("glue-cost", "AWSGlue", "AWS Glue", 50),
)


def alarm_definitions(names: Names) -> list[AlarmDefinition]:
    """Return all alarms of a deployment except those about cost, which are budgets."""
    return [
        *_api(names),
        *_functions(names),
        *_table(names),
        *_capture(names),
        *_delivery(names),
        *_runs(names),
        *_figures(names),
    ]


def _share(errors: str, calls: str) -> str:
    """Return the percentage of failed calls; of a few calls, 100 if more than MAX_ERRORS failed."""
    of_few = f"IF({errors} > {MAX_ERRORS}, 100, 0)"
    return f"IF({calls} >= {FEW_REQUESTS}, 100 * {errors} / {calls}, {of_few})"


def _silent(done: str, due: str) -> str:
    """Return 1 if there is something to do, and nothing is done."""
    return f"IF(FILL({due}, 0) > 0 AND FILL({done}, 0) == 0, 1, 0)"


def _function(name: str, metric: str, statistic: str = "Sum") -> Metric:
    return Metric("AWS/Lambda", metric, {"FunctionName": name}, statistic)


def _api(names: Names) -> Iterator[AlarmDefinition]:
    api = {"ApiName": names.settings.web_function}
    requests = Metric("AWS/ApiGateway", "Count", api)
    yield AlarmDefinition(
        "api-4xx",
        "Clients are refused: a broken client, an attack, or our mistake.",
        {"requests": requests, "refused": Metric("AWS/ApiGateway", "4XXError", api)},
        MAX_REFUSED_PERCENT,
        NOTHING_CALLED,
        f"IF(requests >= {MANY_REQUESTS}, 100 * refused / requests, 0)",
        periods=2,
    )
    yield AlarmDefinition(
        "api-5xx",
        "People get errors.",
        {"requests": requests, "errors": Metric("AWS/ApiGateway", "5XXError", api)},
        MAX_ERROR_PERCENT,
        NOTHING_CALLED,
        _share("errors", "requests"),
        periods=2,
    )


def _functions(names: Names) -> Iterator[AlarmDefinition]:
    functions = {"web": names.settings.web_function, **names.functions}
    yield from _errors(names, functions)
    for purpose in ("web", "capture", "lake", "metrics"):
        name = functions[purpose]
        yield AlarmDefinition(
            f"{purpose}-throttles",
            f"{name} is refused by Lambda.",
            {"throttles": _function(name, "Throttles")},
            0,
            NOTHING_CALLED,
        )
        if purpose != "lake":  # a run of the lake may take minutes
            yield AlarmDefinition(
                f"{purpose}-duration",
                f"{name} is slow.",
                {"duration": _function(name, "Duration", "p95")},
                MAX_DURATION_MS,
                NOTHING_CALLED,
                periods=2,
            )


def _errors(names: Names, functions: Mapping[str, str]) -> Iterator[AlarmDefinition]:
    """Yield an alarm for each function, by how often it is called and who tries again."""

    def failing(purpose: str, threshold: float, expression: str = "", **options: Any) -> AlarmDefinition:
        name = functions[purpose]
        metrics = {"errors": _function(name, "Errors")}
        if expression:
            metrics["calls"] = _function(name, "Invocations")
        return AlarmDefinition(
            f"{purpose}-errors", f"{name} fails.", metrics, threshold, NOTHING_CALLED, expression, **options
        )

    yield failing("web", MAX_ERROR_PERCENT, _share("errors", "calls"))
    yield failing("capture", MAX_ERRORS)
    yield failing("metrics", 0, periods=3)
    # Every attempt of a step failed. Upkeep's failure ends no run, so nothing else would tell.
    yield failing("lake", STEP_ATTEMPTS - 1, minutes=max(5, names.settings.lake_every_minutes))


def _table(names: Names) -> Iterator[AlarmDefinition]:
    indexes = [index["IndexName"] for index in table_definition(names.table)["GlobalSecondaryIndexes"]]
    for kind in ("Read", "Write"):
        name = f"{kind}ThrottleEvents"
        yield AlarmDefinition(
            f"table-{kind.lower()}-throttles",
            f"DynamoDB refuses {kind.lower()}s of the table.",
            {"refused": Metric("AWS/DynamoDB", name, {"TableName": names.table})},
            0,
            NOTHING_REFUSED,
        )
        # The table's own metric leaves out its global indexes.
        refused = {index.lower(): _index_metric(names, name, index) for index in indexes}
        yield AlarmDefinition(
            f"index-{kind.lower()}-throttles",
            f"DynamoDB refuses {kind.lower()}s of a global index, and with it of the table.",
            refused,
            0,
            SUMMED,
            " + ".join(f"FILL({index}, 0)" for index in refused),
        )


def _index_metric(names: Names, metric: str, index: str) -> Metric:
    return Metric("AWS/DynamoDB", metric, {"TableName": names.table, "GlobalSecondaryIndexName": index})


def _capture(names: Names) -> Iterator[AlarmDefinition]:
    capture = names.functions["capture"]
    yield AlarmDefinition(
        "capture-iterator-age",
        "Changes wait in the table's stream; it drops them after 24 hours.",
        {"age": _function(capture, "IteratorAge", "Maximum")},
        MAX_ITERATOR_AGE_MS,
        NoData(alarms=False, reason="no changes to capture; capture-silent tells it from a dead mapping"),
        periods=2,
    )
    yield AlarmDefinition(
        "capture-silent",
        "Tasks are written, but their changes are not captured.",
        {
            "writes": _index_metric(names, "ConsumedWriteCapacityUnits", TASK_INDEX),
            "calls": _function(capture, "Invocations"),
        },
        0,
        SUMMED,
        _silent("calls", "writes"),
        periods=12,
        # A single change at the end of a period is captured in the next one.
        of=2,
    )
    yield AlarmDefinition(
        "capture-failures",
        "Capture gave up on changes; the stream keeps them for at least another 12 hours.",
        {
            "messages": Metric(
                "AWS/SQS",
                "ApproximateNumberOfMessagesVisible",
                {"QueueName": names.failure_queue},
                "Maximum",
            )
        },
        0,
        NoData(alarms=False, reason="SQS publishes nothing about a queue that has been empty for hours"),
    )


def _delivery(names: Names) -> Iterator[AlarmDefinition]:
    for slug, stream in (("changes", names.changes_stream), ("logs", names.logs_stream)):

        def of_stream(metric: str, statistic: str, name: str = stream) -> dict[str, Metric]:
            return {"value": Metric("AWS/Firehose", metric, {"DeliveryStreamName": name}, statistic)}

        yield AlarmDefinition(
            f"{slug}-delivery-failures",
            f"{stream} cannot write to Bronze.",
            of_stream("DeliveryToS3.Success", "Average"),
            1,
            NOTHING_WAITS,
            below=True,
        )
        yield AlarmDefinition(
            f"{slug}-delivery-age",
            f"Records wait in {stream}.",
            of_stream("DeliveryToS3.DataFreshness", "Maximum"),
            MAX_DELIVERY_AGE_SECONDS,
            NOTHING_WAITS,
        )
        yield AlarmDefinition(
            f"{slug}-conversion-failures",
            f"Records of {stream} are under the error prefix of Bronze instead of in its Parquet files.",
            of_stream("FailedConversion.Records", "Sum"),
            0,
            NOTHING_WAITS,
        )
    yield AlarmDefinition(
        "logs-silent",
        "Requests are answered, but their log lines do not reach the lake.",
        {
            "requests": Metric("AWS/ApiGateway", "Count", {"ApiName": names.settings.web_function}),
            "records": Metric("AWS/Firehose", "IncomingRecords", {"DeliveryStreamName": names.logs_stream}),
        },
        0,
        SUMMED,
        _silent("records", "requests"),
        periods=12,
        of=3,
    )


def _runs(names: Names) -> Iterator[AlarmDefinition]:
    machine = {"StateMachineArn": arn("states", f"stateMachine:{names.state_machine}")}
    endings = {"failed": "ExecutionsFailed", "late": "ExecutionsTimedOut", "aborted": "ExecutionsAborted"}
    yield AlarmDefinition(
        "lake-run-failures",
        "A run of Silver or Gold failed, was aborted, or took too long.",
        {name: Metric("AWS/States", metric, machine) for name, metric in endings.items()},
        0,
        SUMMED,
        " + ".join(f"FILL({name}, 0)" for name in endings),
    )
    yield AlarmDefinition(
        "lake-runs-missing",
        "The schedule starts no runs of the lake.",
        {"started": Metric("AWS/States", "ExecutionsStarted", machine)},
        1,
        NoData(alarms=True, reason="published with every start, and starts are what is expected"),
        minutes=names.settings.lake_every_minutes,
        periods=3,
        below=True,
    )
    for layer, job in names.jobs.items():
        dimensions = {"JobName": job, "JobRunId": "ALL", "Type": "count"}
        yield AlarmDefinition(
            f"{layer}-job-failures",
            f"Tasks of the Glue job {job} fail.",
            {"tasks": Metric("Glue", "glue.driver.aggregate.numFailedTasks", dimensions)},
            0,
            NO_SPARK,
        )


def _figures(names: Names) -> Iterator[AlarmDefinition]:
    def published(name: str) -> dict[str, Metric]:
        return {"value": Metric(METRICS_NAMESPACE, name, {"Environment": names.settings.stage}, "Maximum")}

    yield AlarmDefinition(
        "lake-age",
        "The figures on the dashboard are old, or their age is not published.",
        published("GoldAgeSeconds"),
        MAX_LAKE_AGE_SECONDS[names.settings.engine],
        MUST_BE_THERE,
        periods=3,
    )
    told_by_age = NoData(alarms=False, reason="published together with GoldAgeSeconds, which lake-age misses")
    yield AlarmDefinition(
        "lake-checks-failed",
        "The newest figures failed their checks and are not shown.",
        published("FailedChecks"),
        0,
        told_by_age,
    )
    yield AlarmDefinition(
        "lake-quarantine",
        "Changes that cannot be used wait in the quarantine.",
        published("QuarantinedRows"),
        0,
        told_by_age,
    )


class Alarms(Construct):
    """All alarms; each notifies `topic` when it is raised and when it ends."""

    def __init__(self, scope: Construct, construct_id: str, names: Names, topic: sns.Topic) -> None:
        super().__init__(scope, construct_id)
        self.names = names
        self.topic = topic
        self.alarms = {each.slug: self._alarm(each) for each in alarm_definitions(names)}
        for limit in LIMITS:
            self._budget(limit)

    def _alarm(self, definition: AlarmDefinition) -> cloudwatch.Alarm:
        comparison, missing = cloudwatch.ComparisonOperator, cloudwatch.TreatMissingData
        alarm = cloudwatch.Alarm(
            self,
            definition.slug,
            metric=_value(definition),
            alarm_name=self._name(definition.slug),
            alarm_description=f"{definition.meaning} See {RUNBOOK}#{definition.slug}",
            threshold=definition.threshold,
            evaluation_periods=definition.periods,
            datapoints_to_alarm=definition.of,
            comparison_operator=comparison.LESS_THAN_THRESHOLD
            if definition.below
            else comparison.GREATER_THAN_THRESHOLD,
            treat_missing_data=missing.BREACHING if definition.no_data.alarms else missing.NOT_BREACHING,
        )
        action = actions.SnsAction(self.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        return alarm

    def _name(self, slug: str) -> str:
        return self.names.of(f"todo-{self.names.settings.stage}-{slug}")

    def _budget(self, limit: Limit) -> None:
        """Watch the cost of a service. Budgets need no switch, unlike billing metrics, and work in every region."""
        subscriber = budgets.CfnBudget.SubscriberProperty(
            address=self.topic.topic_arn, subscription_type="SNS"
        )
        notice = budgets.CfnBudget.NotificationProperty(
            comparison_operator="GREATER_THAN",
            notification_type="ACTUAL",
            threshold=100,
            threshold_type="PERCENTAGE",
        )
        budgets.CfnBudget(
            self,
            f"{limit.slug}-budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=self._name(limit.slug),
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(amount=limit.usd, unit="USD"),
                cost_filters={"Service": [limit.budget_name]},
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=notice, subscribers=[subscriber]
                )
            ],
        )


def _value(definition: AlarmDefinition) -> cloudwatch.IMetric:
    period = cdk.Duration.minutes(definition.minutes)
    metrics: dict[str, cloudwatch.IMetric] = {
        name: cloudwatch.Metric(
            namespace=each.namespace,
            metric_name=each.name,
            dimensions_map=dict(each.dimensions),
            statistic=each.statistic,
            period=period,
        )
        for name, each in definition.metrics.items()
    }
    if not definition.expression:
        (metric,) = metrics.values()
        return metric
    return cloudwatch.MathExpression(
        expression=definition.expression, using_metrics=metrics, period=period, label=definition.slug
    )
