"""The Health page: for every service the site needs, whether it responds, how fast, and its version."""

import json
import platform
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from botocore.exceptions import ClientError
from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from etl.lake.config import ConfigError, lake_config
from etl.status import status
from todo_site.operations import failure_queue, stream
from todo_site.operations.aws import TIMEOUT_SECONDS, client
from todo_site.operations.pages import Page

PACKAGES = ("Django", "django-ninja", "pynamodb", "boto3", "botocore", "pyathena", "PyJWT", "cryptography")
AWS_SERVICES = (
    *("dynamodb", "dynamodbstreams", "cognito-idp", "s3", "firehose", "sqs"),
    *("glue", "athena", "stepfunctions", "cloudwatch", "sns"),
)


@dataclass(frozen=True, slots=True)
class Answer:
    """The state a service reports, its version, and whether that state needs somebody's attention."""

    detail: str
    version: str = ""
    attention: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of checking a service: ``detail`` is its state or the error; ``version`` is blank if unknown.

    ``ok`` says whether it answers, ``attention`` whether what it answers needs somebody's attention.
    """

    name: str
    ok: bool
    milliseconds: float
    detail: str
    version: str = ""
    attention: bool = False


Ask = Callable[[], Answer]


def _api(service: str) -> str:
    return f"API {client(service).meta.service_model.api_version}"


def _dynamodb() -> Answer:
    table = client("dynamodb").describe_table(TableName=settings.TABLE_NAME)["Table"]
    indexes = len(table["GlobalSecondaryIndexes"])
    detail = f"{table['TableName']}: {table['TableStatus'].lower()}, {indexes} indexes"
    return Answer(detail, _api("dynamodb"))


def _stream() -> Answer:
    arn = client("dynamodb").describe_table(TableName=settings.TABLE_NAME)["Table"]["LatestStreamArn"]
    found = client("dynamodbstreams").describe_stream(StreamArn=arn, Limit=1)["StreamDescription"]
    detail = f"{found['StreamStatus'].lower()}, {found['StreamViewType'].lower().replace('_', ' ')}"
    return Answer(detail, _api("dynamodbstreams"))


def _cognito() -> Answer:
    pool = client("cognito-idp").describe_user_pool(UserPoolId=settings.USER_POOL_ID)["UserPool"]
    detail = f"{pool['Name']}, multi-factor {pool.get('MfaConfiguration', 'OFF').lower()}"
    return Answer(detail, _api("cognito-idp"))


def _token_keys() -> Answer:
    url = settings.COGNITO_JWKS_URL
    with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310 (from settings)
        keys = json.load(answer)["keys"]
    return Answer(f"{len(keys)} keys", ", ".join(sorted({str(key.get("alg", "")) for key in keys})))


def _bucket(name: str) -> Ask:
    def ask() -> Answer:
        client("s3").head_bucket(Bucket=name)
        return Answer(name, _api("s3"))

    return ask


def _firehose(name: str) -> Ask:
    def ask() -> Answer:
        found = client("firehose").describe_delivery_stream(DeliveryStreamName=name)
        status = found["DeliveryStreamDescription"]["DeliveryStreamStatus"]
        return Answer(f"{name}: {status.lower()}", _api("firehose"))

    return ask


def _queue() -> Answer:
    url, count = settings.CDC_FAILURE_QUEUE_URL, "ApproximateNumberOfMessages"
    found = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=[count])["Attributes"]
    detail = f"{url.rpartition('/')[2]}: {found[count]} messages"
    return Answer(detail, _api("sqs"), attention=found[count] != "0")


def _capture() -> Answer:
    """Return how far change capture is behind, as the Pipeline page says it."""
    found = stream.position(status.last_delivery(lake_config(), client("s3")))
    seconds = "" if found.lag_seconds is None else f"{found.lag_seconds:.1f} s. "
    return Answer(f"{seconds}{found.note}", attention=found.stands_still)


def _topic() -> Answer:
    arn = settings.ALARM_TOPIC_ARN
    found = client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    return Answer(f"{_last(arn)}: {found.get('SubscriptionsConfirmed', 0)} subscribers", _api("sns"))


def _machine() -> Answer:
    arn = settings.LAKE_MACHINE_ARN
    found = client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    return Answer(f"{found['name']}: {found['status'].lower()}", _api("stepfunctions"))


def _last(arn: str) -> str:
    return arn.rpartition(":")[2]


def _glue() -> Answer:
    tables = client("glue").get_tables(DatabaseName=settings.GLUE_DATABASE)["TableList"]
    return Answer(f"{settings.GLUE_DATABASE}: {len(tables)} tables", _api("glue"))


def _athena() -> Answer:
    group = client("athena").get_work_group(WorkGroup=settings.ATHENA_WORKGROUP)["WorkGroup"]
    engine = group.get("Configuration", {}).get("EngineVersion", {}).get("EffectiveEngineVersion", "")
    detail = f"{group['Name']}: {group.get('State', 'enabled').lower()}"
    return Answer(detail, f"{_api('athena')}{', ' if engine else ''}{engine}")


def _cloudwatch() -> Answer:
    reported = stream.iterator_age(datetime.now(UTC))
    return Answer(f"IteratorAge {reported[1]:.1f} s" if reported else "", _api("cloudwatch"))


def _services() -> Iterator[tuple[str, Ask]]:
    """Yield the services to check, in the order of the data flow; those not configured are left out."""
    yield from (("Cognito", _cognito), (_("Cognito: token keys"), _token_keys))
    yield from ((_("DynamoDB: table"), _dynamodb), (_("DynamoDB: stream"), _stream))
    yield _("Firehose: changes"), _firehose(settings.CDC_STREAM)
    yield _("Firehose: request log"), _firehose(settings.LOGS_STREAM)
    if settings.CDC_FAILURE_QUEUE_URL:
        yield _("SQS: changes not captured"), _queue
    try:
        lake = lake_config()
        buckets = {"Bronze": lake.bronze_bucket, "Silver": lake.silver_bucket}
    except ConfigError:
        buckets = {}
    for layer, bucket in {**buckets, "Gold": settings.GOLD_BUCKET}.items():
        yield f"S3: {layer}", _bucket(bucket)
    if settings.LAKE_MACHINE_ARN:
        yield _("Step Functions: lake"), _machine
    yield from (("Glue", _glue), ("Athena", _athena), ("CloudWatch", _cloudwatch))
    if settings.ALARM_TOPIC_ARN:
        yield _("SNS: alarms"), _topic


def check(name: str, ask: Ask) -> Finding:
    """Check one service."""
    started = time.perf_counter()
    try:
        ok, answer = True, ask()
    except ClientError as error:
        ok, answer = False, Answer(f"{error.response['Error']['Code']}: {error.response['Error']['Message']}")
    except Exception as error:  # noqa: BLE001  whatever a service answers, the page shows the others
        ok, answer = False, Answer(f"{type(error).__name__}: {error}")
    milliseconds = round((time.perf_counter() - started) * 1000, 1)
    return Finding(name, ok, milliseconds, answer.detail, answer.version, answer.attention)


def _versions() -> list[tuple[str, str]]:
    installed = []
    for name in PACKAGES:
        try:
            installed.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            installed.append((name, _("not installed")))
    return [("Todo with Insights", settings.APP_VERSION), ("Python", platform.python_version()), *installed]


def make(request: HttpRequest) -> dict[str, Any]:
    """Check all services at once."""
    for service in AWS_SERVICES:
        client(service)  # before the threads start, and so that creating it is not measured
    services = list(_services())
    with ThreadPoolExecutor(len(services)) as pool:
        findings = list(pool.map(lambda service: check(*service), services))
    findings.append(
        check(_("Change capture"), _capture)
    )  # it reads the table, over a connection of this thread
    # Not at once with the others: listing its messages takes them out of the queue for a moment.
    failures = failure_queue.look()
    down = not all(found.ok for found in findings)
    return {
        "findings": findings,
        "down": down,
        "healthy": not down and not any(found.attention for found in findings),
        "failures": failures,
        "may_order": request.user.has_perm("tasks.change_pipeline"),
        "versions": _versions(),
    }


PAGE = Page("health", gettext_lazy("Health"), "admin/health.html", make)
