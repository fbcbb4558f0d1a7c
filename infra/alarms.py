"""Every alarm: its metric, its threshold and its meaning. Each has a section in the alarms runbook."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.names import Names
from infra.policies import arn
from infra.settings import METRICS_NAMESPACE

RUNBOOK = "docs/runbooks/alarms.md"
MAX_DURATION_MS = 5000
MAX_ERRORS = 5
MAX_CLIENT_ERRORS = 10
MAX_ITERATOR_AGE_MS = 5 * 60 * 1000
MAX_DELIVERY_AGE_SECONDS = 15 * 60
MAX_LAKE_AGE_SECONDS = {"embedded": 30 * 60, "glue": 3 * 60 * 60}
BILLING_REGION = "us-east-1"
BILLING_HOURS = 6


@dataclass(frozen=True, slots=True)
class AlarmDefinition:
    """An alarm: `statistic` of `metric` above `threshold` in each of `periods` of `minutes`.

    Parameters
    ----------
    source, metric
        What it watches.
    slug
        End of its name, and its section in the runbook.
    meaning
        First line of the message that the person on call reads.
    below
        Raise the alarm below the threshold instead of above it.
    alarm_without_data
        Raise the alarm for missing data too.
    """

    source: "Source"
    slug: str
    meaning: str
    metric: str
    threshold: float
    statistic: str = "Sum"
    minutes: int = 5
    periods: int = 1
    below: bool = False
    alarm_without_data: bool = False


@dataclass(frozen=True, slots=True)
class Source:
    """Where metrics come from: their namespace, and the dimensions that select one resource."""

    namespace: str
    dimensions: Mapping[str, str]

    def alarm(
        self, slug: str, meaning: str, metric: str, threshold: float, **options: Any
    ) -> AlarmDefinition:
        """Return an alarm of one of its metrics; `options` are further fields of the definition."""
        return AlarmDefinition(self, slug, meaning, metric, threshold, **options)


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
)


def alarm_definitions(names: Names) -> list[AlarmDefinition]:
    """Return all alarms of a deployment except those about cost."""
    return [
        *_api(names),
        *_functions(names),
        *_table(names),
        *_capture(names),
        *_delivery(names),
        *_lake(names),
    ]


def _api(names: Names) -> Iterator[AlarmDefinition]:
    source = Source("AWS/ApiGateway", {"ApiName": names.settings.web_function})
    refused = "Clients are refused: a broken client, an attack, or our mistake."
    yield source.alarm("api-4xx", refused, "4XXError", MAX_CLIENT_ERRORS, periods=2)
    yield source.alarm("api-5xx", "People get errors.", "5XXError", MAX_ERRORS, periods=2)


def _functions(names: Names) -> Iterator[AlarmDefinition]:
    functions = {"web": names.settings.web_function, **names.functions}
    for purpose in ("web", "capture", "lake", "metrics"):
        name = functions[purpose]
        alarm = Source("AWS/Lambda", {"FunctionName": name}).alarm
        yield alarm(f"{purpose}-errors", f"{name} fails.", "Errors", MAX_ERRORS)
        yield alarm(f"{purpose}-throttles", f"{name} is refused by Lambda.", "Throttles", 0)
        if purpose != "lake":  # a run of the lake may take minutes
            slow = f"{name} is slow."
            yield alarm(f"{purpose}-duration", slow, "Duration", MAX_DURATION_MS, statistic="p95", periods=2)


def _table(names: Names) -> Iterator[AlarmDefinition]:
    source = Source("AWS/DynamoDB", {"TableName": names.table})
    yield source.alarm("table-read-throttles", "DynamoDB refuses reads.", "ReadThrottleEvents", 0)
    yield source.alarm("table-write-throttles", "DynamoDB refuses writes.", "WriteThrottleEvents", 0)


def _capture(names: Names) -> Iterator[AlarmDefinition]:
    yield Source("AWS/Lambda", {"FunctionName": names.functions["capture"]}).alarm(
        "capture-iterator-age",
        "Changes wait in the table's stream; it drops them after 24 hours.",
        "IteratorAge",
        MAX_ITERATOR_AGE_MS,
        statistic="Maximum",
        periods=2,
    )
    yield Source("AWS/SQS", {"QueueName": names.failure_queue}).alarm(
        "capture-failures",
        "Capture gave up on changes; the stream keeps them for at least another 12 hours.",
        "ApproximateNumberOfMessagesVisible",
        0,
        statistic="Maximum",
    )


def _delivery(names: Names) -> Iterator[AlarmDefinition]:
    for slug, stream in (("changes", names.changes_stream), ("logs", names.logs_stream)):
        alarm = Source("AWS/Firehose", {"DeliveryStreamName": stream}).alarm
        failing, waiting = f"{stream} cannot write to Bronze.", f"Records wait in {stream}."
        success, age = "DeliveryToS3.Success", "DeliveryToS3.DataFreshness"
        yield alarm(f"{slug}-delivery-failures", failing, success, 1, statistic="Average", below=True)
        yield alarm(f"{slug}-delivery-age", waiting, age, MAX_DELIVERY_AGE_SECONDS, statistic="Maximum")
        lost = f"Records of {stream} are under the error prefix of Bronze instead of in its Parquet files."
        yield alarm(f"{slug}-conversion-failures", lost, "FailedConversion.Records", 0)


def _lake(names: Names) -> Iterator[AlarmDefinition]:
    runs = Source("AWS/States", {"StateMachineArn": arn("states", f"stateMachine:{names.state_machine}")})
    yield runs.alarm("lake-run-failures", "Runs of Silver or Gold fail.", "ExecutionsFailed", 0, periods=2)
    for layer, job in names.jobs.items():
        source = Source("Glue", {"JobName": job, "JobRunId": "ALL", "Type": "count"})
        failing, metric = f"Tasks of the Glue job {job} fail.", "glue.driver.aggregate.numFailedTasks"
        yield source.alarm(f"{layer}-job-failures", failing, metric, 0)
    yield Source(METRICS_NAMESPACE, {"Environment": names.settings.stage}).alarm(
        "lake-age",
        "The figures on the dashboard are old, or their age is not published.",
        "GoldAgeSeconds",
        MAX_LAKE_AGE_SECONDS[names.settings.engine],
        statistic="Maximum",
        periods=3,
        alarm_without_data=True,
    )


class Alarms(Construct):
    """All alarms; each notifies `topic` when it is raised and when it ends."""

    def __init__(self, scope: Construct, construct_id: str, names: Names, topic: sns.Topic) -> None:
        super().__init__(scope, construct_id)
        self.names = names
        self.topic = topic
        self.alarms = {each.slug: self._alarm(each) for each in alarm_definitions(names)}
        self._costs()

    def _alarm(self, definition: AlarmDefinition) -> cloudwatch.Alarm:
        metric = cloudwatch.Metric(
            namespace=definition.source.namespace,
            metric_name=definition.metric,
            dimensions_map=dict(definition.source.dimensions),
            statistic=definition.statistic,
            period=cdk.Duration.minutes(definition.minutes),
        )
        comparison, missing = cloudwatch.ComparisonOperator, cloudwatch.TreatMissingData
        below, without_data = definition.below, definition.alarm_without_data
        alarm = metric.create_alarm(
            self,
            definition.slug,
            alarm_name=self._name(definition.slug),
            alarm_description=f"{definition.meaning} See {RUNBOOK}#{definition.slug}",
            threshold=definition.threshold,
            evaluation_periods=definition.periods,
            comparison_operator=comparison.LESS_THAN_THRESHOLD
            if below
            else comparison.GREATER_THAN_THRESHOLD,
            treat_missing_data=missing.BREACHING if without_data else missing.NOT_BREACHING,
        )
        action = actions.SnsAction(self.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)
        return alarm

    def _name(self, slug: str) -> str:
        return self.names.of(f"todo-{self.names.settings.stage}-{slug}")

    def _costs(self) -> None:
        """Create cost alarms in the one region that has billing metrics, and budgets in every other."""
        equal, other = cdk.Fn.condition_equals, cdk.Fn.condition_not
        here = cdk.CfnCondition(self, "BillingRegion", expression=equal(cdk.Aws.REGION, BILLING_REGION))
        elsewhere = cdk.CfnCondition(
            self,
            "OtherRegion",
            expression=other(here),  # type: ignore[arg-type]  # CDK's stub of the class lacks a field of the interface
        )
        for limit in LIMITS:
            alarm = self._cost_alarm(limit).node.default_child
            cast("cdk.CfnResource", alarm).cfn_options.condition = here
            self._budget(limit).cfn_options.condition = elsewhere

    def _cost_alarm(self, limit: Limit) -> cloudwatch.Alarm:
        source = Source("AWS/Billing", {"Currency": "USD", "ServiceName": limit.billing_name})
        meaning = f"{limit.budget_name} cost more than {limit.usd} USD this month."
        options = {"statistic": "Maximum", "minutes": BILLING_HOURS * 60}
        return self._alarm(source.alarm(limit.slug, meaning, "EstimatedCharges", limit.usd, **options))

    def _budget(self, limit: Limit) -> budgets.CfnBudget:
        subscriber = budgets.CfnBudget.SubscriberProperty(
            address=self.topic.topic_arn, subscription_type="SNS"
        )
        notice = budgets.CfnBudget.NotificationProperty(
            comparison_operator="GREATER_THAN",
            notification_type="ACTUAL",
            threshold=100,
            threshold_type="PERCENTAGE",
        )
        return budgets.CfnBudget(
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
