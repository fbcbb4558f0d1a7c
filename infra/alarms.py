"""Every alarm: what is measured, when it is too much, and what that means. Each has a section in the alarms runbook."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.names import Names
from infra.settings import METRICS_NAMESPACE

RUNBOOK = "docs/runbooks/alarms.md"
ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
MAX_DURATION_MS = 5000
MAX_ERRORS = 5
MAX_CLIENT_ERRORS = 10
MAX_ITERATOR_AGE_MS = 5 * 60 * 1000
MAX_DELIVERY_AGE_SECONDS = 15 * 60
MAX_LAKE_AGE_SECONDS = {"embedded": 30 * 60, "glue": 3 * 60 * 60}
MONTHLY_USD = {"dynamodb": ("AmazonDynamoDB", "Amazon DynamoDB", 50), "lambda": ("AWSLambda", "AWS Lambda", 20)}
BILLING_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Watch:
    """One alarm: `statistic` of `metric` above `threshold` in `periods` of `minutes` each.

    Parameters
    ----------
    slug
        End of its name, and its section in the runbook.
    meaning
        First line of what the person who is paged reads.
    silence_is_bad
        Whether no data at all raises the alarm too.
    """

    slug: str
    meaning: str
    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]
    threshold: float
    statistic: str = "Sum"
    minutes: int = 5
    periods: int = 1
    silence_is_bad: bool = False


def watches(names: Names) -> list[Watch]:
    """All alarms of a deployment but those about cost."""
    return [*_api(names), *_functions(names), *_table(names), *_capture(names), *_lake(names)]


def _api(names: Names) -> Iterator[Watch]:
    api = ("AWS/ApiGateway", (("ApiName", names.settings.web_function),))
    yield Watch(
        "api-4xx",
        "Clients are refused: a broken client, an attack, or our mistake.",
        api[0],
        "4XXError",
        api[1],
        MAX_CLIENT_ERRORS,
        periods=2,
    )
    yield Watch("api-5xx", "People get errors.", api[0], "5XXError", api[1], MAX_ERRORS)


def _functions(names: Names) -> Iterator[Watch]:
    short = {key: names.functions[key] for key in ("capture", "metrics")}
    timed = {"web": names.settings.web_function, **short}
    every = {**timed, "lake": names.functions["lake"]}
    for purpose, function in every.items():
        dimensions = (("FunctionName", function),)
        base = Watch(
            f"{purpose}-errors", f"{function} fails.", "AWS/Lambda", "Errors", dimensions, MAX_ERRORS
        )
        yield base
        yield replace(
            base,
            slug=f"{purpose}-throttles",
            metric="Throttles",
            threshold=0,
            meaning=f"{function} is throttled.",
        )
        if purpose in timed:
            yield replace(
                base,
                slug=f"{purpose}-duration",
                meaning=f"{function} is slow.",
                metric="Duration",
                statistic="p95",
                threshold=MAX_DURATION_MS,
                periods=2,
            )


def _table(names: Names) -> Iterator[Watch]:
    for slug, metric in (
        ("table-read-throttles", "ReadThrottleEvents"),
        ("table-write-throttles", "WriteThrottleEvents"),
    ):
        yield Watch(
            slug,
            "DynamoDB refuses calls to the table.",
            "AWS/DynamoDB",
            metric,
            (("TableName", names.table),),
            0,
        )


def _capture(names: Names) -> Iterator[Watch]:
    yield Watch(
        "capture-iterator-age",
        "Changes wait in the stream; after 24 hours they are lost to the lake.",
        "AWS/Lambda",
        "IteratorAge",
        (("FunctionName", names.functions["capture"]),),
        MAX_ITERATOR_AGE_MS,
        statistic="Maximum",
        periods=2,
    )
    yield Watch(
        "capture-failures",
        "Changes were given up; fetch them from the stream within 12 hours.",
        "AWS/SQS",
        "ApproximateNumberOfMessagesVisible",
        (("QueueName", names.failure_queue),),
        0,
        statistic="Maximum",
    )


def _lake(names: Names) -> Iterator[Watch]:
    for slug, stream in (("changes", names.changes_stream), ("logs", names.logs_stream)):
        yield from _delivery(slug, stream)
    machine = cdk.Stack.of_arn if False else None  # noqa: F841
    for layer, job in names.jobs.items():
        yield Watch(
            f"{layer}-job-failures",
            f"Tasks of the Glue job {job} fail.",
            "Glue",
            "glue.driver.aggregate.numFailedTasks",
            (("JobName", job), ("JobRunId", "ALL"), ("Type", "count")),
            0,
        )
    yield Watch(
        "lake-age",
        "The figures on the dashboard are old, or nobody publishes their age.",
        METRICS_NAMESPACE,
        "GoldAgeSeconds",
        (("Environment", names.settings.stage),),
        MAX_LAKE_AGE_SECONDS[names.settings.engine],
        statistic="Maximum",
        periods=3,
        silence_is_bad=True,
    )


def _delivery(slug: str, stream: str) -> Iterator[Watch]:
    dimensions = (("DeliveryStreamName", stream),)
    stale = Watch(
        f"{slug}-delivery-age",
        f"Records wait in {stream} for delivery to Bronze.",
        "AWS/Firehose",
        "DeliveryToS3.DataFreshness",
        dimensions,
        MAX_DELIVERY_AGE_SECONDS,
        statistic="Maximum",
    )
    yield stale
    yield replace(
        stale,
        slug=f"{slug}-conversion-failures",
        metric="FailedConversion.Records",
        statistic="Sum",
        threshold=0,
        meaning=f"Records of {stream} are not Parquet but under the error prefix of Bronze.",
    )
