"""The CloudWatch dashboard: API, functions, lake, table, business, cost, from top to bottom."""

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from infra.alarms import BILLING_REGION, LIMITS
from infra.names import Names
from infra.policies import arn
from infra.settings import METRICS_NAMESPACE

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
        rows = (self._api(), self._functions(), self._lake(), self._table(), self._business(), self._cost())
        titles = ("API", "Functions", "Lake", "Table", "Business", "Cost")
        widgets: list[list[cloudwatch.IWidget]] = [[status]]
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
        return _row(
            _graph("Requests", [_metric("AWS/ApiGateway", "Count", api)]),
            _graph("Errors", [_metric("AWS/ApiGateway", name, api) for name in ("4XXError", "5XXError")]),
            _graph(
                "Latency (ms)",
                [_metric("AWS/ApiGateway", "Latency", api, part) for part in ("p50", "p95", "p99")],
            ),
        )

    def _functions(self) -> list[cloudwatch.IWidget]:
        functions = [self.names.settings.web_function, *self.names.functions.values()]

        def each(metric: str, statistic: str) -> list[cloudwatch.Metric]:
            return [_metric("AWS/Lambda", metric, {"FunctionName": name}, statistic) for name in functions]

        return _row(
            _graph("Invocations", each("Invocations", "Sum")),
            _graph("Errors and throttles", each("Errors", "Sum") + each("Throttles", "Sum")),
            _graph("Duration p95 (ms)", each("Duration", "p95")),
        )

    def _lake(self) -> list[cloudwatch.IWidget]:
        names = self.names
        stream = {"DeliveryStreamName": names.changes_stream}
        machine = {"StateMachineArn": arn("states", f"stateMachine:{names.state_machine}")}
        capture = {"FunctionName": names.functions["capture"]}
        return _row(
            _graph(
                "Waiting: stream (ms), Firehose (s), queue",
                [
                    _metric("AWS/Lambda", "IteratorAge", capture, "Maximum"),
                    _metric("AWS/Firehose", "DeliveryToS3.DataFreshness", stream, "Maximum"),
                    _metric(
                        "AWS/SQS",
                        "ApproximateNumberOfMessagesVisible",
                        {"QueueName": names.failure_queue},
                        "Maximum",
                    ),
                ],
            ),
            _graph(
                "Records to Bronze",
                [
                    _metric("AWS/Firehose", name, stream)
                    for name in ("IncomingRecords", "DeliveryToS3.Records", "FailedConversion.Records")
                ],
            ),
            _graph(
                "Changes captured, failed, lag (s)",
                [
                    *(
                        _metric(METRICS_NAMESPACE, name, {"Environment": names.settings.stage})
                        for name in ("ChangesDelivered", "ChangesFailed")
                    ),
                    self._business_metric("ChangesLagSeconds"),
                ],
            ),
            _graph(
                "Runs",
                [
                    _metric("AWS/States", name, machine)
                    for name in ("ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut")
                ],
            ),
            _graph("Age of the figures (s)", [self._business_metric("GoldAgeSeconds")]),
        )

    def _table(self) -> list[cloudwatch.IWidget]:
        table = {"TableName": self.names.table}
        return _row(
            _graph(
                "Consumed units",
                [
                    _metric("AWS/DynamoDB", name, table)
                    for name in ("ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits")
                ],
            ),
            _graph(
                "Refused",
                [
                    _metric("AWS/DynamoDB", name, table)
                    for name in ("ReadThrottleEvents", "WriteThrottleEvents", "TransactionConflict")
                ],
            ),
            _graph(
                "Latency (ms)",
                [
                    _metric(
                        "AWS/DynamoDB", "SuccessfulRequestLatency", {**table, "Operation": call}, "Average"
                    )
                    for call in ("GetItem", "Query", "TransactWriteItems")
                ],
            ),
        )

    def _business(self) -> list[cloudwatch.IWidget]:
        return _row(
            *(_graph(title, [self._business_metric(name) for name in metrics]) for title, metrics in BUSINESS)
        )

    def _business_metric(self, name: str) -> cloudwatch.Metric:
        return _metric(METRICS_NAMESPACE, name, {"Environment": self.names.settings.stage}, "Maximum")

    def _cost(self) -> list[cloudwatch.IWidget]:
        return _row(
            *(
                cloudwatch.GraphWidget(
                    title=f"{limit.budget_name} this month (USD)",
                    region=BILLING_REGION,
                    width=COLUMNS // len(LIMITS),
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
            )
        )


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


def _graph(title: str, metrics: list[cloudwatch.Metric]) -> cloudwatch.GraphWidget:
    return cloudwatch.GraphWidget(
        title=title, left=metrics, left_y_axis=cloudwatch.YAxisProps(min=0), height=HEIGHT
    )


def _row(*widgets: cloudwatch.GraphWidget) -> list[cloudwatch.IWidget]:
    return list(widgets)
