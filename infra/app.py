"""The CDK app: `python infra/app.py`; the CDK command line runs it through `infra/cdk.json`.

The settings of a stage are in `infra/stages`; context (`-c name=value`) names the stage, and replaces some of them: see
`infra.settings`. Synthesis needs no CDK command line, no AWS and no network.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

if not __package__:
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from infra.tools import use_pinned_node

use_pinned_node()  # importing aws_cdk starts Node

import aws_cdk as cdk  # noqa: E402
import cdk_nag  # noqa: E402

from infra.api_stack import ApiStack  # noqa: E402
from infra.data_stack import DataStack  # noqa: E402
from infra.edge_stack import EdgeStack  # noqa: E402
from infra.etl_stack import EtlStack  # noqa: E402
from infra.monitoring_stack import MonitoringStack  # noqa: E402
from infra.settings import ROOT, from_context  # noqa: E402

# CDK's feature flags; here because only the command line reads cdk.json.
FLAGS = {
    "@aws-cdk/aws-iam:minimizePolicies": True,
    "@aws-cdk/aws-iam:importedRoleStackSafeDefaultPolicyName": True,
    "@aws-cdk/core:checkSecretUsage": True,
    "@aws-cdk/core:defaultCrossStackReferences": "strong",
    "@aws-cdk/core:enablePartitionLiterals": True,
    "@aws-cdk/core:target-partitions": ["aws"],
    "@aws-cdk/aws-lambda:recognizeLayerVersion": True,
    "@aws-cdk/aws-kms:aliasNameRef": True,
    "@aws-cdk/aws-lambda:useCdkManagedLogGroup": False,
}


def build(outdir: Path, context: Mapping[str, object] | None = None) -> cdk.App:
    """Define the five stacks.

    Parameters
    ----------
    outdir
        Folder for the output of `synth()`: templates, assets and the report of cdk-nag.
    context
        Settings, in addition to those of the CDK command line.

    Raises
    ------
    infra.settings.SettingsError
        If a setting is not allowed.
    """
    app = cdk.App(outdir=str(outdir), context={**FLAGS, **(context or {})}, analytics_reporting=False)
    settings = from_context(app.node.try_get_context)

    def options(stack: str) -> dict[str, object]:
        return {
            "stack_name": settings.stack_name(stack),
            "termination_protection": settings.protect and settings.stage == "prod",
        }

    data = DataStack(app, "DataStack", settings, **options("DataStack"))
    etl = EtlStack(app, "EtlStack", settings, data, **options("EtlStack"))
    api = ApiStack(app, "ApiStack", settings, data, **options("ApiStack"))
    api.add_stack_dependency(etl)
    monitoring = MonitoringStack(app, "MonitoringStack", settings, data, **options("MonitoringStack"))
    edge = EdgeStack(app, "EdgeStack", settings, **options("EdgeStack"))
    edge.add_stack_dependency(etl)  # its bucket of access logs
    for watched in (etl, api):  # CDK cannot tell from derived names
        monitoring.add_stack_dependency(watched)
    for key, value in settings.tags.items():
        cdk.Tags.of(app).add(key, value)
    nag = cdk_nag.AwsSolutionsChecks(app, verbose=True, write_suppressions_to_cloud_formation=True)
    cdk.Validations.of(app).add_plugins(nag)
    return app


def main() -> None:
    """Synthesise the stage `STAGE` (dev) to the folder that the CDK command line names, or to `cdk.out`."""
    stage = os.environ.get("STAGE")
    build(Path(os.environ.get("CDK_OUTDIR") or ROOT / "cdk.out"), {"stage": stage} if stage else None).synth()


if __name__ == "__main__":
    # CDK would mix the output of an earlier run with this one's.
    if "CDK_OUTDIR" not in os.environ:
        shutil.rmtree(ROOT / "cdk.out", ignore_errors=True)
    main()
