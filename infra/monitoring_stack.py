"""MonitoringStack: the alarm topic, alarms, dashboard, and the subscription that sends the request log to the lake."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from etl.lake.catalog import REQUEST_LINES
from infra.alarms import Alarms
from infra.dashboard import Dashboard
from infra.data_stack import DataStack
from infra.delivery_streams import subscription_role
from infra.names import Names
from infra.policies import TRUST, arn
from infra.settings import Settings


class MonitoringStack(cdk.Stack):
    """Alarms, dashboard and log subscription."""

    def __init__(
        self, scope: Construct, construct_id: str, settings: Settings, data: DataStack, **options: Any
    ) -> None:
        super().__init__(scope, construct_id, **options)
        self.names = Names(settings)
        self.topic = self._topic(data, settings.alert_email)
        alarms: dict[str, cloudwatch.Alarm] = Alarms(self, "Alarms", self.names, self.topic).alarms
        Dashboard(self, "Dashboard", self.names, list(alarms.values()))
        self._subscribe()
        cdk.CfnOutput(self, "AlarmTopicArn", value=self.topic.topic_arn)

    def _topic(self, data: DataStack, email: str) -> sns.Topic:
        topic = sns.Topic(
            self,
            "Topic",
            topic_name=self.names.topic,
            display_name=f"Todo {self.names.settings.stage}",
            master_key=data.key,
            enforce_ssl=True,
        )
        if email:
            topic.add_subscription(subscriptions.EmailSubscription(email))
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[
                    iam.ServicePrincipal(f"{name}.amazonaws.com") for name in ("cloudwatch", "budgets")
                ],
                actions=["sns:Publish"],
                resources=[arn("sns", self.names.topic)],
                conditions={"StringEquals": TRUST},
            )
        )
        return topic

    def _subscribe(self) -> None:
        """Send the web function's request lines to the delivery stream of the request log."""
        role = subscription_role(self, self.names)
        subscription = logs.CfnSubscriptionFilter(
            self,
            "WebRequests",
            log_group_name=f"/aws/lambda/{self.names.settings.web_function}",
            filter_name=self.names.of("todo-requests"),
            filter_pattern=REQUEST_LINES,
            destination_arn=arn("firehose", f"deliverystream/{self.names.logs_stream}"),
            role_arn=role.role_arn,
        )
        subscription.node.add_dependency(role)
