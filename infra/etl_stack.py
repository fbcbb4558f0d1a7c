"""EtlStack: everything between the table's stream and the figures."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra import assets, buckets
from infra.capture import Capture
from infra.data_stack import DataStack
from infra.delivery_streams import changes_stream, logs_stream
from infra.lake_catalog import LakeCatalog, workgroup
from infra.names import Names
from infra.pipeline import BusinessMetrics, LakePipeline
from infra.settings import Settings

RULES = {"bronze": buckets.BRONZE_RULES, "silver": buckets.SILVER_RULES, "gold": buckets.GOLD_RULES}


class EtlStack(cdk.Stack):
    """Buckets, streams into Bronze, catalogue, change capture, lake jobs, Athena and business metrics."""

    def __init__(
        self, scope: Construct, construct_id: str, settings: Settings, data: DataStack, **options: Any
    ) -> None:
        super().__init__(scope, construct_id, **options)
        self.names = Names(settings)
        source = assets.lake_source()
        code = lambda_.Code.from_asset(str(source))
        self._buckets(data.removal)
        self.catalog = LakeCatalog(self, "Catalog", self.names, code)
        self._streams()
        self.capture = Capture(self, "Capture", self.names, data.table, code)
        self.capture.mapping.node.add_dependency(self.changes.stream)
        self.pipeline = LakePipeline(
            self,
            "Pipeline",
            self.names,
            code=code,
            layer=assets.lake_layer(self, settings),
            script=assets.GLUE_SCRIPT,
            source=source,
            key=data.key,
        )
        self.capture.let_replay(self.pipeline.runner, self.names, data.table)
        self.workgroup = workgroup(self, self.names, cdk.RemovalPolicy.DESTROY)
        self.metrics = BusinessMetrics(self, "Metrics", self.names, code)
        self._outputs()

    def _buckets(self, removal: cdk.RemovalPolicy) -> None:
        self.access_logs = buckets.access_logs(self, self.names, removal)
        self.buckets = {
            layer: buckets.bucket(self, self.names, layer, removal, rules) for layer, rules in RULES.items()
        }
        for bucket in self.buckets.values():
            bucket.node.add_dependency(self.access_logs)

    def _streams(self) -> None:
        self.changes, self.requests = changes_stream(self, self.names), logs_stream(self, self.names)
        tables = {self.changes: self.catalog.changes, self.requests: self.catalog.requests}
        for stream, table in tables.items():
            stream.stream.add_resource_dependency(table)
            stream.node.add_dependency(self.buckets["bronze"])

    def _outputs(self) -> None:
        outputs = {f"{layer.title()}Bucket": bucket.bucket_name for layer, bucket in self.buckets.items()}
        outputs |= {
            "GlueDatabase": self.names.database,
            "AthenaWorkgroup": self.names.workgroup,
            "ChangesStream": self.names.changes_stream,
            "RequestsStream": self.names.logs_stream,
            "FailureQueueUrl": self.capture.failures.queue_url,
            "LakeMachineArn": self.pipeline.machine.state_machine_arn,
        }
        for name, value in outputs.items():
            cdk.CfnOutput(self, name, value=value)
