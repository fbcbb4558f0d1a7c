"""S3 buckets: private, encrypted, TLS only, versioned, with their accesses logged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct

from etl.lake.layout import BRONZE_PREFIX, RETENTION_DAYS
from infra.names import Names
from infra.policies import TRUST, acknowledge

DAYS = cdk.Duration.days
ABANDONED_UPLOADS = s3.LifecycleRule(id="abandoned-uploads", abort_incomplete_multipart_upload_after=DAYS(2))


def expirations(layer: str) -> tuple[s3.LifecycleRule, ...]:
    """The lake's own retention of a layer as lifecycle rules."""
    return tuple(
        s3.LifecycleRule(id=prefix.strip("/").replace("/", "-"), prefix=prefix, expiration=DAYS(days))
        for prefix, days in RETENTION_DAYS[layer].items()
    )


# Bronze is the backup and is kept for ever; what ages is read rarely but must be readable at once, so no Glacier.
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
GOLD_RULES = expirations("gold")
# How long a deleted or overwritten object can be brought back, and how long erased personal data can last.
OLD_VERSIONS_DAYS = {"bronze": 30, "silver": 7, "gold": 7, "packages": 7}


def access_logs(scope: Construct, names: Names, removal: cdk.RemovalPolicy) -> s3.Bucket:
    """Bucket for the access logs of the others."""
    bucket = s3.Bucket(
        scope,
        "AccessLogs",
        bucket_name=names.bucket("access-logs"),
        lifecycle_rules=[ABANDONED_UPLOADS, s3.LifecycleRule(id="old-logs", expiration=DAYS(90))],
        **_safe(removal),
    )
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
            actions=["s3:PutObject"],
            resources=[bucket.arn_for_objects("*")],
            conditions={"StringEquals": TRUST},
        )
    )
    acknowledge(bucket, {"AwsSolutions-S1": "this bucket receives the access logs; its own would never end"})
    return bucket


def bucket(
    scope: Construct,
    names: Names,
    purpose: str,
    removal: cdk.RemovalPolicy,
    rules: Sequence[s3.LifecycleRule] = (),
) -> s3.Bucket:
    """Bucket of the lake, or for the web function's packages.

    Parameters
    ----------
    purpose
        A key of `OLD_VERSIONS_DAYS`.
    removal
        What happens to it when its stack goes.
    rules
        Lifecycle rules beside those for old versions and abandoned uploads.
    """
    old = s3.LifecycleRule(
        id="old-versions",
        noncurrent_version_expiration=DAYS(OLD_VERSIONS_DAYS[purpose]),
        expired_object_delete_marker=True,
    )
    made = s3.Bucket(
        scope,
        purpose.title(),
        bucket_name=names.bucket(purpose),
        versioned=True,
        lifecycle_rules=[ABANDONED_UPLOADS, old, *rules],
        **_safe(removal),
    )
    resource = cast("s3.CfnBucket", made.node.default_child)
    # By name, because the bucket of the logs may be another stack's.
    resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
        destination_bucket_name=names.bucket("access-logs"), log_file_prefix=f"{purpose}/"
    )
    return made


def _safe(removal: cdk.RemovalPolicy) -> dict[str, object]:
    return {
        "encryption": s3.BucketEncryption.S3_MANAGED,
        "block_public_access": s3.BlockPublicAccess.BLOCK_ALL,
        "object_ownership": s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
        "enforce_ssl": True,
        "minimum_tls_version": 1.2,
        "removal_policy": removal,
    }
