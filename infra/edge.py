"""What a deployment does around the gateway that Zappa made: its stage's limits and log, CloudFront, static files."""

import json
import mimetypes
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from infra import tools
from infra.settings import Settings

NO_STACK = "ValidationError"
FOR_EVER = "public, max-age=31536000, immutable"  # names carry a digest of the content
SUPERSEDED = {"superseded": "true"}  # tag of a static file that the newest pages no longer name
# What the web function says in a 401; API Gateway renames that header, so CloudFront adds it to the API's answers.
CHALLENGE = 'Bearer realm="todo"'
UPLOADS = 8  # at once
STATIC_PREFIX = "static/"
# One line of the gateway's log, in the shape that all components share. It names the resource, not the path: a path can
# hold what a person wrote or the token of a calendar. `timestamp` is milliseconds since 1970: no variable has ISO 8601.
ACCESS_LINE = {
    "timestamp": "$context.requestTimeEpoch",
    "level": "INFO",
    "request_id": "$context.requestId",
    "user_id": None,
    "component": "gateway",
    "operation": "$context.httpMethod $context.resourcePath",
    "duration_ms": "$context.responseLatency",
    "status": "$context.status",
    "message": "access",
    "metadata": {
        "integration_status": "$context.integrationStatus",
        "integration_ms": "$context.integrationLatency",
        "bytes": "$context.responseLength",
        "refused": "$context.error.responseType",
    },
}


def gateway(settings: Settings) -> str | None:
    """Return the id of the gateway that Zappa made for the stage, or None before it did."""
    return _physical_id(settings.web_function, "Api")


def address(settings: Settings, shape: str | None = None) -> str | None:
    """Return the site's public address, or None before the first deployment.

    Parameters
    ----------
    settings
        A stage with a domain of its own has that address from the beginning.
    shape
        Template of a distribution's address, with `{label}` for the first part of its host name; None for CloudFront's.
    """
    if settings.domain.name:
        return f"https://{settings.domain.name}"
    outputs = _outputs(settings.stack_name("EdgeStack"))
    if not outputs:
        return None
    return shape.format(label=outputs["Host"].partition(".")[0]) if shape else outputs["Address"]


def parameters(settings: Settings, secret_arn: str) -> list[str]:
    """Return the command line's words that give EdgeStack its parameters.

    Raises
    ------
    tools.ToolError
        If Zappa has made no gateway.
    """
    api = gateway(settings)
    if api is None:
        raise tools.ToolError("Zappa created no API Gateway")
    labels = boto3.client("secretsmanager").describe_secret(SecretId=secret_arn)["VersionIdsToStages"]
    version = next(version for version, stages in labels.items() if "AWSCURRENT" in stages)
    stack = settings.stack_name("EdgeStack")
    proof = f"{secret_arn}:SecretString:::{version}"
    return ["--parameters", f"{stack}:Api={api}", "--parameters", f"{stack}:Proof={proof}"]


def set_up_gateway(settings: Settings, log_group_arn: str) -> None:
    """Give the gateway's stage its limits and its access log: Zappa makes the stage without them."""
    values = {
        "/*/*/throttling/rateLimit": str(settings.throttle.rate),
        "/*/*/throttling/burstLimit": str(settings.throttle.burst),
        "/accessLogSettings/destinationArn": log_group_arn,
        "/accessLogSettings/format": access_format(),
    }
    client = boto3.client("apigateway")
    patch: Any = [{"op": "replace", "path": path, "value": value} for path, value in values.items()]
    client.update_stage(restApiId=gateway(settings) or "", stageName=settings.stage, patchOperations=patch)


def access_format() -> str:
    """Return the format of the gateway's access log, in which numbers have no quotation marks."""
    text = json.dumps(ACCESS_LINE)
    for number in ("$context.responseLatency", "$context.status"):
        text = text.replace(f'"{number}"', number)
    return text


def upload_static(folder: Path, bucket: str) -> int:
    """Upload the static files of the newest build; return their number.

    Files that it no longer has stay for some weeks, because pages that are open name them: they are written once more
    with a tag, from when the bucket's lifecycle counts the days.
    """
    s3 = boto3.client("s3")
    files = {f"{STATIC_PREFIX}{path.relative_to(folder).as_posix()}": path for path in _files(folder)}
    with ThreadPoolExecutor(UPLOADS) as pool:
        list(pool.map(lambda item: _put(s3, bucket, *item), files.items()))
        list(pool.map(lambda key: _supersede(s3, bucket, key), set(_keys(s3, bucket)) - set(files)))
    return len(files)


def empty(settings: Settings) -> None:
    """Delete the static files, so that their bucket can be removed: a deployment makes them again."""
    bucket = bucket_of(settings)
    if bucket:
        boto3.resource("s3").Bucket(bucket).objects.delete()


def _files(folder: Path) -> Iterator[Path]:
    """Yield what browsers ask for: CloudFront compresses, and the manifest is for the function."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in {".gz", ".br"} and path.name != "staticfiles.json":
            yield path


def _put(s3: Any, bucket: str, key: str, path: Path) -> None:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    s3.put_object(Bucket=bucket, Key=key, Body=path.read_bytes(), ContentType=kind, CacheControl=FOR_EVER)


def _supersede(s3: Any, bucket: str, key: str) -> None:
    wanted = [{"Key": name, "Value": value} for name, value in SUPERSEDED.items()]
    if s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"] == wanted:
        return
    found = s3.head_object(Bucket=bucket, Key=key)
    s3.copy_object(
        Bucket=bucket,
        Key=key,
        CopySource={"Bucket": bucket, "Key": key},
        MetadataDirective="REPLACE",
        ContentType=found["ContentType"],
        CacheControl=FOR_EVER,
        TaggingDirective="REPLACE",
        Tagging="&".join(f"{name}={value}" for name, value in SUPERSEDED.items()),
    )


def _keys(s3: Any, bucket: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=STATIC_PREFIX):
        for entry in page.get("Contents", ()):
            yield entry["Key"]


def bucket_of(settings: Settings) -> str | None:
    """Return the name of the bucket of the static files, or None before the first deployment."""
    return _outputs(settings.stack_name("EdgeStack")).get("Bucket")


def _outputs(stack: str) -> dict[str, str]:
    """Return the outputs of a deployed stack, or none."""
    try:
        (found,) = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if error.response["Error"]["Code"] == NO_STACK:
            return {}
        raise
    return {entry["OutputKey"]: entry["OutputValue"] for entry in found.get("Outputs", ())}


def _physical_id(stack: str, logical_id: str) -> str | None:
    try:
        found = boto3.client("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId=logical_id
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == NO_STACK:
            return None
        raise
    return str(found["StackResourceDetail"]["PhysicalResourceId"])
