"""The CloudWatch dashboard: API, functions, lake, delivery, jobs, table, business and cost, from top to bottom."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.alarms import LIMITS, RUNBOOK
from infra.names import Names
from infra.policies import arn
from infra.settings import METRICS_NAMESPACE
from store.model import table_definition

BILLING_REGION = "us-east-1"  # the only one with billing metrics
COLUMNS = 24
HEIGHT = 6
BUSINESS = (
    ("People", ("TotalUsers", "ActiveUsers", "AvgTasksPerUser")),
    ("Tasks", ("TotalTasks", "CompletedTasks", "PendingTasks", "InProgressTasks", "OverdueTasks")),
    ("Completion rate (%)", ("CompletionRate",)),
)


class Dashboard(Construct):
    """Dashboard `todo-<stage>`: a row for each subject, alarms first."""

    def __init__(
        self, scope: Construct, construct_id: str, names: Names, alarms: Sequence[cloudwatch.Alarm]
    ) -> None:
        super().__init__(scope, construct_id)
        self.names = names
        status = cloudwatch.AlarmStatusWidget(title="Alarms", alarms=list(alarms), width=COLUMNS, height=4)
        rows = (
            *(self._api(), self._functions(), self._lake(), self._delivery()),
            *(self._jobs(), self._table(), self._business(), self._cost()),
        )
        titles = ("API", "Functions", "Lake", "Delivery", "Jobs", "Table", "Business", "Cost")
        widgets: list[list[cloudwatch.IWidget]] = [[self._note()], [status]]
        for title, row in zip(titles, rows, strict=True):
            widgets += [[cloudwatch.TextWidget(markdown=f"## {title}", width=COLUMNS, height=1)], row]
        cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=names.of(f"todo-{names.settings.stage}"),
            widgets=widgets,
            default_interval=cdk.Duration.hours(12),
        )

    def _api(self) -> list[cloudwatch.IWidget]:
        api = {"ApiName": self.names.settings.web_function}
        latency = [_metric("AWS/ApiGateway", "Latency", api, part) for part in ("p50", "p95", "p99")]
        return [
            _graph("Requests", _metrics("AWS/ApiGateway", api, "Count")),
            _graph("Errors", _metrics("AWS/ApiGateway", api, "4XXError", "5XXError")),
            _graph("Latency (ms)", latency),
        ]

    def _functions(self) -> list[cloudwatch.IWidget]:
        functions = [self.names.settings.web_function, *self.names.functions.values()]

        def each(metric: str, statistic: str = "Sum") -> list[cloudwatch.Metric]:
            return [_metric("AWS/Lambda", metric, {"FunctionName": name}, statistic) for name in functions]

        return [
            _graph("Invocations", each("Invocations")),
            _graph("Errors and throttles", each("Errors") + each("Throttles")),
            _graph("Duration p95 (ms)", each("Duration", "p95")),
        ]

    def _note(self) -> cloudwatch.IWidget:
        email = self.names.settings.alert_email or "nobody: set `alert_email` and deploy"
        text = (
            f"Alarms go to the topic `{self.names.topic}`. Paged: **{email}**. "
            f"What to do about each alarm: `{RUNBOOK}`. "
            "Costs are shown once billing alerts are switched on in the account; budgets watch them in any case."
        )
        return cloudwatch.TextWidget(markdown=text, width=COLUMNS, height=2)

    def _lake(self) -> list[cloudwatch.IWidget]:
        names = self.names
        queue, capture = {"QueueName": names.failure_queue}, {"FunctionName": names.functions["capture"]}
        stage = {"Environment": names.settings.stage}
        waiting = [
            _metric("AWS/Lambda", "IteratorAge", capture, "Maximum"),
            _metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", queue, "Maximum"),
        ]
        captured = _metrics(METRICS_NAMESPACE, stage, "ChangesDelivered", "ChangesFailed")
        return [
            _graph("Waiting: stream (ms), queue", waiting),
            _graph("Changes captured, failed, lag (s)", captured + self._published("ChangesLagSeconds")),
            _graph("Age of the figures (s)", self._published("GoldAgeSeconds")),
            _graph("Failed checks, quarantine", self._published("FailedChecks", "QuarantinedRows")),
        ]

    def _delivery(self) -> list[cloudwatch.IWidget]:
        """Both streams into Bronze: the table's changes and the request log."""
        streams = (self.names.changes_stream, self.names.logs_stream)

        def each(metric: str, statistic: str = "Sum") -> list[cloudwatch.Metric]:
            return [
                _metric("AWS/Firehose", metric, {"DeliveryStreamName": name}, statistic) for name in streams
            ]

        return [
            _graph("Records in", each("IncomingRecords")),
            _graph("Records to Bronze", each("DeliveryToS3.Records") + each("FailedConversion.Records")),
            _graph("Delivery success (share)", each("DeliveryToS3.Success", "Average")),
            _graph("Age of what waits (s)", each("DeliveryToS3.DataFreshness", "Maximum")),
        ]

    def _jobs(self) -> list[cloudwatch.IWidget]:
        """Runs of the state machine, and the Glue jobs that it starts on that engine."""
        machine = {"StateMachineArn": arn("states", f"stateMachine:{self.names.state_machine}")}
        runs = ("ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted")

        def each(metric: str, kind: str = "count", statistic: str = "Sum") -> list[cloudwatch.Metric]:
            dimensions = [
                {"JobName": job, "JobRunId": "ALL", "Type": kind} for job in self.names.jobs.values()
            ]
            return [_metric("Glue", f"glue.{metric}", where, statistic) for where in dimensions]

        return [
            _graph("Runs", _metrics("AWS/States", machine, *runs)),
            _graph("Duration of a run (ms)", [_metric("AWS/States", "ExecutionTime", machine, "Maximum")]),
            _graph("Glue: time (ms)", each("driver.aggregate.elapsedTime")),
            _graph(
                "Glue: tasks",
                each("driver.aggregate.numCompletedTasks") + each("driver.aggregate.numFailedTasks"),
            ),
            _graph("Glue: memory used (share)", each("ALL.jvm.heap.usage", "gauge", "Maximum")),
        ]

    def _table(self) -> list[cloudwatch.IWidget]:
        table, latency = {"TableName": self.names.table}, "SuccessfulRequestLatency"
        consumed = ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits")
        refused = ("ReadThrottleEvents", "WriteThrottleEvents", "TransactionConflict")
        calls = [{**table, "Operation": call} for call in ("GetItem", "Query", "TransactWriteItems")]
        indexes = [
            {**table, "GlobalSecondaryIndexName": index["IndexName"]}
            for index in table_definition(self.names.table)["GlobalSecondaryIndexes"]
        ]
        of_indexes = [_metric("AWS/DynamoDB", name, index) for index in indexes for name in refused[:2]]
        return [
            _graph("Consumed units", _metrics("AWS/DynamoDB", table, *consumed)),
            _graph("Refused", _metrics("AWS/DynamoDB", table, *refused) + of_indexes),
            _graph("Latency (ms)", [_metric("AWS/DynamoDB", latency, call, "Average") for call in calls]),
        ]

    def _business(self) -> list[cloudwatch.IWidget]:
        return [_graph(title, self._published(*metrics)) for title, metrics in BUSINESS]

    def _published(self, *names: str) -> list[cloudwatch.Metric]:
        stage = {"Environment": self.names.settings.stage}
        return [_metric(METRICS_NAMESPACE, name, stage, "Maximum") for name in names]

    def _cost(self) -> list[cloudwatch.IWidget]:
        return [
            cloudwatch.GraphWidget(
                title=f"{limit.budget_name} this month (USD)",
                region=BILLING_REGION,
                width=COLUMNS // 4,
                height=HEIGHT,
                left=[
                    cloudwatch.Metric(
                        namespace="AWS/Billing",
                        metric_name="EstimatedCharges",
                        dimensions_map={"Currency": "USD", "ServiceName": limit.billing_name},
                        statistic="Maximum",
                        period=cdk.Duration.hours(6),
                        region=BILLING_REGION,
                    )
                ],
                left_annotations=[{"value": limit.usd, "label": "alarm"}],
            )
            for limit in LIMITS
        ]


def _metric(
    namespace: str, name: str, dimensions: dict[str, str], statistic: str = "Sum"
) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=namespace,
        metric_name=name,
        dimensions_map=dimensions,
        statistic=statistic,
        period=cdk.Duration.minutes(5),
    )


def _metrics(namespace: str, dimensions: dict[str, str], *names: str) -> list[cloudwatch.Metric]:
    return [_metric(namespace, name, dimensions) for name in names]


def _graph(title: str, metrics: list[cloudwatch.Metric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title, left=metrics, left_y_axis=cloudwatch.YAxisProps(min=0), height=HEIGHT
    )
