"""MonitoringStack: the alarm topic, alarms, dashboard, and the subscriptions that send log lines to the lake."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from etl.lake.catalog import COMPONENT_LINES, REQUEST_LINES
from infra.alarms import Alarms
from infra.dashboard import Dashboard
from infra.data_stack import DataStack
from infra.delivery_streams import subscription_role
from infra.names import Names
from infra.policies import TRUST, arn
from infra.settings import Settings


class MonitoringStack(cdk.Stack):
    """Alarms, dashboard and log subscriptions."""

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
        """Send the lines of every component to the delivery stream of the request log.

        Of the web function those of requests, whose content `web.request_log` limits. The streams' own groups are not
        among them: a line about a delivery would cause the next one.
        """
        role = subscription_role(self, self.names)
        names, web = self.names, self.names.settings.web_function
        groups = {"WebRequests": (f"/aws/lambda/{web}", REQUEST_LINES)}
        groups |= {
            f"{purpose.title()}Lines": (f"/aws/lambda/{name}", COMPONENT_LINES)
            for purpose, name in names.functions.items()
        }
        groups["GatewayLines"] = (names.gateway_logs, COMPONENT_LINES)
        for construct_id, (group, pattern) in groups.items():
            subscription = logs.CfnSubscriptionFilter(
                self,
                construct_id,
                log_group_name=group,
                filter_name=names.of("todo-requests"),
                filter_pattern=pattern,
                destination_arn=arn("firehose", f"deliverystream/{names.logs_stream}"),
                role_arn=role.role_arn,
            )
            subscription.node.add_dependency(role)
