"""Creates the product's resources in the local AWS. Running it again changes nothing."""

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from etl.capture import dead_letters
from etl.lake import catalog, glue_partitions, layout
from localcloud import accounts
from localcloud.files import write_atomically
from store.model import TTL_ATTRIBUTE, table_definition

REGION = "us-east-1"
ACCOUNT = "000000000000"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
FIREHOSE_ROLE = f"arn:aws:iam::{ACCOUNT}:role/todo-firehose"
ALARM_TOPIC = "todo-api-alerts"
MAIL_SENDER = "no-reply@todo.example"
NAMES = {
    "TABLE_NAME": "todo-app-data",
    "BRONZE_BUCKET": "todo-local-bronze",
    "SILVER_BUCKET": "todo-local-silver",
    "GOLD_BUCKET": "todo-local-gold",
    "GLUE_DATABASE": "todo_analytics",
    "ATHENA_WORKGROUP": "todo-analytics-workgroup",
    "CDC_STREAM": catalog.CHANGES_STREAM,
    "LOGS_STREAM": catalog.REQUESTS_STREAM,
}
MISSING = {
    "404",
    "NotFoundException",
    "NoSuchBucket",
    "ResourceNotFoundException",
    "EntityNotFoundException",
    "InvalidRequestException",  # Athena, for an unknown workgroup
    "QueueDoesNotExist",
    "AWS.SimpleQueueService.NonExistentQueue",
}


class ProvisionError(RuntimeError):
    """The local AWS does not match LOCAL_DIR, or refuses a setting; the message says what to do."""


class Provisioner:
    """Creates the product's resources in the local AWS at ``endpoint_url``.

    Parameters
    ----------
    directory
        LOCAL_DIR: ``provision.json`` there holds the id of the pool, ``secrets.json`` the demo password.
    """

    def __init__(self, endpoint_url: str, directory: Path) -> None:
        self.endpoint_url, self.directory = endpoint_url, Path(directory)
        self.session = boto3.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )

    def run(self) -> dict[str, str]:
        """Create missing resources; return the environment variables that name all of them."""
        self.refuse_lost_state()
        self.table()
        self.buckets()
        self.glue()
        self.firehose()
        self.athena()
        self.mail()
        topic = self.client("sns").create_topic(Name=ALARM_TOPIC)["TopicArn"]  # returns an existing one
        queue = self.queue()
        pool, client, password = self.identity()
        self.save_pool(pool)
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_DEFAULT_REGION": REGION,
            **CREDENTIALS,
            **NAMES,
            "CDC_FAILURE_QUEUE_URL": queue,
            "ALARM_TOPIC_ARN": topic,
            "USER_POOL_ID": pool,
            "CLIENT_ID": client,
            "COGNITO_ISSUER": f"https://cognito-idp.{REGION}.amazonaws.com/{pool}",
            "COGNITO_JWKS_URL": f"{self.endpoint_url}/{pool}/.well-known/jwks.json",
            "MAIL_PREVIEW_URL": f"{self.endpoint_url}/_ministack/ses/messages",
            "MAIL_SENDER": MAIL_SENDER,
            "DEMO_PASSWORD": password,
        }

    def client(self, service: str) -> Any:
        """Return a boto3 client of the local AWS."""
        make: Any = self.session.client  # the stubs have an overload for each service, none for a variable
        return make(service, endpoint_url=self.endpoint_url)

    def refuse_lost_state(self) -> None:
        """Raise ProvisionError if the resources of an earlier start are gone: recreating them would hide the loss."""
        pool = self._saved_pool()
        if not pool:
            return
        lost = []
        if missing(lambda: self.client("cognito-idp").describe_user_pool(UserPoolId=pool)):
            lost.append(f"the user pool {pool}")
        if missing(lambda: self.client("dynamodb").describe_table(TableName=NAMES["TABLE_NAME"])):
            lost.append(f"the table {NAMES['TABLE_NAME']}")
        if lost:
            raise ProvisionError(
                f"{' and '.join(lost)} of an earlier start are not in the local AWS at {self.endpoint_url}. "
                f"Is it another copy's? If its state is lost, remove {self.directory} to begin again."
            )

    def _saved_pool(self) -> str:
        return _read_json(self.directory / "provision.json").get("USER_POOL_ID", "")

    def save_pool(self, pool: str) -> None:
        """Save the id of the pool, so that later starts notice if it is gone."""
        if not self._saved_pool():
            write_atomically(self.directory / "provision.json", json.dumps({"USER_POOL_ID": pool}))

    def table(self) -> None:
        """Create the table with its stream and indexes, time to live and point-in-time recovery."""
        dynamodb, name = self.client("dynamodb"), NAMES["TABLE_NAME"]
        if missing(lambda: dynamodb.describe_table(TableName=name)):
            dynamodb.create_table(**table_definition(name))
            dynamodb.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
        ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
        if ttl["TimeToLiveStatus"] not in {"ENABLED", "ENABLING"}:
            dynamodb.update_time_to_live(
                TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": TTL_ATTRIBUTE}
            )
        backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
        if backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] != "ENABLED":
            dynamodb.update_continuous_backups(
                TableName=name, PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
            )

    def buckets(self) -> None:
        """Create the three buckets of the lake."""
        s3 = self.client("s3")
        for variable in ("BRONZE_BUCKET", "SILVER_BUCKET", "GOLD_BUCKET"):
            bucket = NAMES[variable]
            if missing(lambda bucket=bucket: s3.head_bucket(Bucket=bucket)):  # type: ignore[misc]
                s3.create_bucket(Bucket=bucket)

    def glue(self) -> None:
        """Create the database and missing tables; of existing tables, update only the columns."""
        glue, database = self.client("glue"), NAMES["GLUE_DATABASE"]
        if missing(lambda: glue.get_database(Name=database)):
            glue.create_database(DatabaseInput={"Name": database})
        layers = ("bronze", "silver", "gold")
        buckets = {f"{layer}_bucket": NAMES[f"{layer.upper()}_BUCKET"] for layer in layers}
        glue_partitions.sync_tables(glue, database, catalog.glue_tables(database=database, **buckets))

    def firehose(self) -> None:
        """Create the delivery streams of the changes and of the request log."""
        firehose = self.client("firehose")
        where: dict[str, Any] = {
            "bronze_bucket": NAMES["BRONZE_BUCKET"],
            "database": NAMES["GLUE_DATABASE"],
            "region": REGION,
            "role_arn": FIREHOSE_ROLE,
        }
        for stream in (
            catalog.firehose_stream(name=NAMES["CDC_STREAM"], **where),
            catalog.requests_stream(name=NAMES["LOGS_STREAM"], **where),
        ):
            name = stream["DeliveryStreamName"]
            if missing(lambda name=name: firehose.describe_delivery_stream(DeliveryStreamName=name)):  # type: ignore[misc]
                firehose.create_delivery_stream(**stream)

    def athena(self) -> None:
        """Create the workgroup, with query results under athena-results/ in the Gold bucket."""
        athena, name = self.client("athena"), NAMES["ATHENA_WORKGROUP"]
        if missing(lambda: athena.get_work_group(WorkGroup=name)):
            results = {"OutputLocation": f"s3://{NAMES['GOLD_BUCKET']}/{layout.RESULTS_PREFIX}"}
            athena.create_work_group(
                Name=name,
                Configuration={"ResultConfiguration": results, "EnforceWorkGroupConfiguration": True},
            )

    def mail(self) -> None:
        """Let the site send mail as ``MAIL_SENDER``, which never leaves the machine."""
        ses, domain = self.client("sesv2"), MAIL_SENDER.rpartition("@")[2]
        if missing(lambda: ses.get_email_identity(EmailIdentity=domain)):
            ses.create_email_identity(EmailIdentity=domain)

    def queue(self) -> str:
        """Create the dead-letter queue of change capture, with the limits it has in AWS; return its URL."""
        sqs = self.client("sqs")
        url = str(sqs.create_queue(QueueName=catalog.FAILURE_QUEUE)["QueueUrl"])
        limits = {
            "MaximumMessageSize": str(dead_letters.MESSAGE_BYTES),
            "MessageRetentionPeriod": str(dead_letters.RETENTION_DAYS * 86_400),
        }
        sqs.set_queue_attributes(QueueUrl=url, Attributes=limits)
        return url

    def identity(self) -> tuple[str, str, str]:
        """Create pool, client, groups and demo accounts; return pool id, client id and demo password."""
        cognito = self.client("cognito-idp")
        pool = accounts.ensure_pool(cognito)
        client = accounts.ensure_client(cognito, pool)
        accounts.ensure_groups(cognito, pool)
        before = read_secrets(self.directory).get("DEMO_PASSWORD")
        password = os.environ.get("DEMO_PASSWORD") or before or accounts.new_password()
        try:
            accounts.ensure_accounts(cognito, pool, password, reset=password != before)
        except cognito.exceptions.InvalidPasswordException as error:
            raise ProvisionError(
                f"DEMO_PASSWORD is not accepted: {error.response['Error']['Message']}"
            ) from None
        save_secret(self.directory, "DEMO_PASSWORD", password)
        return pool, client, password


def missing(call: Callable[[], object]) -> bool:
    """Return whether ``call``, which describes one resource, fails because there is none."""
    try:
        call()
    except ClientError as error:
        if error.response["Error"]["Code"] in MISSING:
            return True
        raise
    return False


def read_secrets(directory: Path) -> dict[str, str]:
    """Return the secrets in LOCAL_DIR (``secrets.json``, readable by its owner only)."""
    return _read_json(Path(directory) / "secrets.json")


def _read_json(path: Path) -> dict[str, str]:
    return dict(json.loads(path.read_text())) if path.exists() else {}


def save_secret(directory: Path, name: str, value: str) -> None:
    """Save a secret in LOCAL_DIR."""
    kept = read_secrets(directory)
    if kept.get(name) != value:
        write_atomically(Path(directory) / "secrets.json", json.dumps({**kept, name: value}))


def secret_key(directory: Path) -> str:
    """Return the SECRET_KEY of this LOCAL_DIR, generated on first use."""
    if "SECRET_KEY" not in read_secrets(directory):
        save_secret(directory, "SECRET_KEY", secrets.token_urlsafe(50))
    return read_secrets(directory)["SECRET_KEY"]


def provision(endpoint_url: str, directory: Path) -> dict[str, str]:
    """Create missing resources in the local AWS at ``endpoint_url``; return the environment variables for clients.

    Raises ProvisionError if the table or user pool of an earlier start is gone.
    """
    return Provisioner(endpoint_url, Path(directory)).run()
