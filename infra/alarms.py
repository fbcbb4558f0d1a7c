"""Every alarm: what is measured, when it is too much, and what that means. Each has a section in the alarms runbook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

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
class Watch:
    """One alarm: `statistic` of `metric` above `threshold` in each of `periods` of `minutes`.

    Parameters
    ----------
    slug
        End of its name, and its section in the runbook.
    meaning
        First line of what the person who is paged reads.
    below
        Whether less than the threshold is what is bad.
    silence_is_bad
        Whether no data at all raises the alarm too.
    """

    slug: str
    meaning: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    threshold: float
    statistic: str = "Sum"
    minutes: int = 5
    periods: int = 1
    below: bool = False
    silence_is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Limit:
    """What a service may cost: its names in billing metrics and in budgets, and USD a month."""

    slug: str
    billing_name: str
    budget_name: str
    usd: int


LIMITS = (
    Limit("dynamodb-cost", "AmazonDynamoDB", "Amazon DynamoDB", 50),
    Limit("lambda-cost", "AWSLambda", "AWS Lambda", 20),
)


def watches(names: Names) -> list[Watch]:
    """All alarms of a deployment but those about cost."""
    return [
        *_api(names),
        *_functions(names),
        *_table(names),
        *_capture(names),
        *_delivery(names),
        *_lake(names),
    ]


def _api(names: Names) -> Iterator[Watch]:
    refused = Watch(
        "api-4xx",
        "Clients are refused: a broken client, an attack, or our mistake.",
        "AWS/ApiGateway",
        "4XXError",
        {"ApiName": names.settings.web_function},
        MAX_CLIENT_ERRORS,
        periods=2,
    )
    yield refused
    yield replace(
        refused, slug="api-5xx", meaning="People get errors.", metric="5XXError", threshold=MAX_ERRORS
    )


def _functions(names: Names) -> Iterator[Watch]:
    functions = {"web": names.settings.web_function, **names.functions}
    for purpose in ("web", "capture", "lake", "metrics"):
        name = functions[purpose]
        errors = Watch(
            f"{purpose}-errors",
            f"{name} fails.",
            "AWS/Lambda",
            "Errors",
            {"FunctionName": name},
            MAX_ERRORS,
        )
        yield errors
        yield replace(
            errors,
            slug=f"{purpose}-throttles",
            meaning=f"{name} is refused by Lambda.",
            metric="Throttles",
            threshold=0,
        )
        if purpose != "lake":  # a run of the lake may take minutes
            yield replace(
                errors,
                slug=f"{purpose}-duration",
                meaning=f"{name} is slow.",
                metric="Duration",
                statistic="p95",
                threshold=MAX_DURATION_MS,
                periods=2,
            )


def _table(names: Names) -> Iterator[Watch]:
    reads = Watch(
        "table-read-throttles",
        "DynamoDB refuses reads.",
        "AWS/DynamoDB",
        "ReadThrottleEvents",
        {"TableName": names.table},
        0,
    )
    yield reads
    yield replace(
        reads, slug="table-write-throttles", meaning="DynamoDB refuses writes.", metric="WriteThrottleEvents"
    )


def _capture(names: Names) -> Iterator[Watch]:
    yield Watch(
        "capture-iterator-age",
        "Changes wait in the table's stream; after 24 hours they are gone.",
        "AWS/Lambda",
        "IteratorAge",
        {"FunctionName": names.functions["capture"]},
        MAX_ITERATOR_AGE_MS,
        statistic="Maximum",
        periods=2,
    )
    yield Watch(
        "capture-failures",
        "Changes were given up; the stream keeps them for 12 hours more at the least.",
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        {"QueueName": names.failure_queue},
        0,
        statistic="Maximum",
    )


def _delivery(names: Names) -> Iterator[Watch]:
    for slug, stream in (("changes", names.changes_stream), ("logs", names.logs_stream)):
        failing = Watch(
            f"{slug}-delivery-failures",
            f"{stream} cannot write to Bronze.",
            "AWS/Firehose",
            "DeliveryToS3.Success",
            {"DeliveryStreamName": stream},
            1,
            statistic="Average",
            below=True,
        )
        yield failing
        yield replace(
            failing,
            slug=f"{slug}-delivery-age",
            meaning=f"Records wait in {stream}.",
            metric="DeliveryToS3.DataFreshness",
            statistic="Maximum",
            threshold=MAX_DELIVERY_AGE_SECONDS,
            below=False,
        )
        yield replace(
            failing,
            slug=f"{slug}-conversion-failures",
            meaning=f"Records of {stream} are under the error prefix of Bronze instead of in its Parquet files.",
            metric="FailedConversion.Records",
            statistic="Sum",
            threshold=0,
            below=False,
        )


def _lake(names: Names) -> Iterator[Watch]:
    yield Watch(
        "lake-run-failures",
        "Runs of Silver or Gold fail.",
        "AWS/States",
        "ExecutionsFailed",
        {"StateMachineArn": arn("states", f"stateMachine:{names.state_machine}")},
        0,
        periods=2,
    )
    for layer, job in names.jobs.items():
        yield Watch(
            f"{layer}-job-failures",
            f"Tasks of the Glue job {job} fail.",
            "Glue",
            "glue.driver.aggregate.numFailedTasks",
            {"JobName": job, "JobRunId": "ALL", "Type": "count"},
            0,
        )
    yield Watch(
        "lake-age",
        "The figures on the dashboard are old, or nobody publishes their age.",
        METRICS_NAMESPACE,
        "GoldAgeSeconds",
        {"Environment": names.settings.stage},
        MAX_LAKE_AGE_SECONDS[names.settings.engine],
        statistic="Maximum",
        periods=3,
        silence_is_bad=True,
    )


class Alarms(Construct):
    """All alarms, each telling `topic` when it is raised and when it is over."""

    def __init__(self, scope: Construct, construct_id: str, names: Names, topic: sns.Topic) -> None:
        super().__init__(scope, construct_id)
        self.names = names
        self.topic = topic
        self.alarms = {watch.slug: self._alarm(watch) for watch in watches(names)}
        self._costs()

    def _alarm(self, watch: Watch) -> cloudwatch.Alarm:
        metric = cloudwatch.Metric(
            namespace=watch.namespace,
            metric_name=watch.metric,
            dimensions_map=dict(watch.dimensions),
            statistic=watch.statistic,
            period=cdk.Duration.minutes(watch.minutes),
        )
        alarm = metric.create_alarm(
            self,
            watch.slug,
            alarm_name=self._name(watch.slug),
            alarm_description=_description(watch.slug, watch.meaning),
            threshold=watch.threshold,
            evaluation_periods=watch.periods,
            comparison_operator=_comparison(below=watch.below),
            treat_missing_data=_missing(bad=watch.silence_is_bad),
        )
        self._tell(alarm)
        return alarm

    def _name(self, slug: str) -> str:
        return self.names.of(f"todo-{self.names.settings.stage}-{slug}")

    def _tell(self, alarm: cloudwatch.Alarm) -> None:
        action = actions.SnsAction(self.topic)
        alarm.add_alarm_action(action)
        alarm.add_ok_action(action)

    def _costs(self) -> None:
        """Billing metrics exist in one region only; elsewhere budgets, which are the same everywhere, do the work."""
        here = cdk.CfnCondition(
            self,
            "BillingRegion",
            expression=cdk.Fn.condition_equals(cdk.Aws.REGION, BILLING_REGION),
        )
        elsewhere = cdk.CfnCondition(self, "OtherRegion", expression=cdk.Fn.condition_not(here))
        for limit in LIMITS:
            _only_if(here, self._cost_alarm(limit))
            _only_if(elsewhere, self._budget(limit))

    def _cost_alarm(self, limit: Limit) -> cloudwatch.Alarm:
        watch = Watch(
            limit.slug,
            f"{limit.budget_name} cost more than {limit.usd} USD this month.",
            "AWS/Billing",
            "EstimatedCharges",
            {"Currency": "USD", "ServiceName": limit.billing_name},
            limit.usd,
            statistic="Maximum",
            minutes=BILLING_HOURS * 60,
        )
        return self._alarm(watch)

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


def _only_if(condition: cdk.CfnCondition, construct: Construct) -> None:
    resource = construct if isinstance(construct, cdk.CfnResource) else construct.node.default_child
    resource.cfn_options.condition = condition


def _description(slug: str, meaning: str) -> str:
    return f"{meaning} See {RUNBOOK}#{slug}"


def _comparison(*, below: bool) -> cloudwatch.ComparisonOperator:
    kinds = cloudwatch.ComparisonOperator
    return kinds.LESS_THAN_THRESHOLD if below else kinds.GREATER_THAN_THRESHOLD


def _missing(*, bad: bool) -> cloudwatch.TreatMissingData:
    kinds = cloudwatch.TreatMissingData
    return kinds.BREACHING if bad else kinds.NOT_BREACHING
