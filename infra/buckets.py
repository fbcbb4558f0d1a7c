"""S3 buckets: private, encrypted, TLS only, versioned, with access logs."""

from collections.abc import Sequence
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from etl.lake.layout import BRONZE_PREFIX, EXPORTS_PREFIX, RETENTION_DAYS
from infra.names import Names
from infra.policies import TRUST, acknowledge

DAYS = cdk.Duration.days
ABANDONED_UPLOADS = s3.LifecycleRule(id="abandoned-uploads", abort_incomplete_multipart_upload_after=DAYS(2))


def expirations(layer: str) -> tuple[s3.LifecycleRule, ...]:
    """Return the lifecycle rules that apply the lake's own retention to `layer`."""
    return tuple(
        s3.LifecycleRule(id=prefix.strip("/").replace("/", "-"), prefix=prefix, expiration=DAYS(days))
        for prefix, days in RETENTION_DAYS[layer].items()
    )


# Bronze is the backup and never expires. Old files are read rarely, but then at once: hence instant retrieval.
BRONZE_RULES = (
    s3.LifecycleRule(
        id="changes-age",
        prefix=BRONZE_PREFIX,
        transitions=[
            s3.Transition(storage_class=s3.StorageClass.INFREQUENT_ACCESS, transition_after=DAYS(90)),
            s3.Transition(
                storage_class=s3.StorageClass.GLACIER_INSTANT_RETRIEVAL, transition_after=DAYS(365)
            ),
        ],
    ),
    *expirations("bronze"),
)
SILVER_RULES = expirations("silver")
GOLD_RULES = (
    *expirations("gold"),
    # An exported file is personal, and nobody restores one: its old version goes sooner than others.
    s3.LifecycleRule(id="old-exports", prefix=EXPORTS_PREFIX, noncurrent_version_expiration=DAYS(1)),
)
# Days for which a deleted or overwritten object can be restored, so erased personal data may last as long.
OLD_VERSIONS_DAYS = {"bronze": 30, "silver": 7, "gold": 7, "packages": 7}


def access_logs(scope: Construct, names: Names, removal: cdk.RemovalPolicy) -> s3.Bucket:
    """Create the bucket that receives the access logs of the others."""
    rules = [s3.LifecycleRule(id="old-logs", expiration=DAYS(90))]
    bucket = _private_bucket(scope, "AccessLogs", names.bucket("access-logs"), removal, rules)
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
            actions=["s3:PutObject"],
            resources=[bucket.arn_for_objects("*")],
            conditions={"StringEquals": TRUST},
        )
    )
    acknowledge(
        bucket, {"AwsSolutions-S1": "this bucket receives the access logs; logging itself would never end"}
    )
    return bucket


def bucket(
    scope: Construct,
    names: Names,
    purpose: str,
    removal: cdk.RemovalPolicy,
    rules: Sequence[s3.LifecycleRule] = (),
) -> s3.Bucket:
    """Create a versioned bucket: one of the lake's, or the one for the web function's packages.

    Parameters
    ----------
    purpose
        A key of `OLD_VERSIONS_DAYS`.
    removal
        Removal policy of the bucket.
    rules
        Lifecycle rules in addition to those for old versions and abandoned uploads.
    """
    old = s3.LifecycleRule(
        id="old-versions",
        noncurrent_version_expiration=DAYS(OLD_VERSIONS_DAYS[purpose]),
        expired_object_delete_marker=True,
    )
    name = names.bucket(purpose)
    made = _private_bucket(scope, purpose.title(), name, removal, [old, *rules], versioned=True)
    _log_access(made, names, purpose)
    return made


def rebuildable(scope: Construct, names: Names, purpose: str, rules: Sequence[s3.LifecycleRule]) -> s3.Bucket:
    """Create a bucket whose content a deployment can make again, so that it goes with its stack and has no versions."""
    made = _private_bucket(scope, purpose.title(), names.bucket(purpose), cdk.RemovalPolicy.DESTROY, rules)
    _log_access(made, names, purpose)
    return made


def _log_access(made: s3.Bucket, names: Names, purpose: str) -> None:
    resource = cast("s3.CfnBucket", made.node.default_child)
    # By name, because the bucket of the logs may belong to another stack.
    resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
        destination_bucket_name=names.bucket("access-logs"), log_file_prefix=f"{purpose}/"
    )


def _private_bucket(
    scope: Construct,
    construct_id: str,
    name: str,
    removal: cdk.RemovalPolicy,
    rules: Sequence[s3.LifecycleRule],
    *,
    versioned: bool = False,
) -> s3.Bucket:
    return s3.Bucket(
        scope,
        construct_id,
        bucket_name=name,
        versioned=versioned,
        lifecycle_rules=[ABANDONED_UPLOADS, *rules],
        encryption=s3.BucketEncryption.S3_MANAGED,
        block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
        object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        enforce_ssl=True,
        minimum_tls_version=1.2,
        removal_policy=removal,
    )
