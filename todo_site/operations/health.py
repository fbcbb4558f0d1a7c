"""The Health page: every service the site needs, whether it answers, how fast, and which version it is."""

import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.http import HttpRequest

from todo_site.operations.pages import Page

PACKAGES = ("Django", "django-ninja", "pynamodb", "boto3", "botocore", "pyathena", "PyJWT", "cryptography")
_CONFIG = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 1}, max_pool_connections=8)


@dataclass(frozen=True, slots=True)
class Finding:
    """What one service answered: ``detail`` is its version or state, or what went wrong."""

    name: str
    ok: bool
    milliseconds: float
    detail: str


def _client(service: str) -> Any:
    make: Any = boto3.client
    return make(service, config=_CONFIG)


def _dynamodb() -> str:
    table = _client("dynamodb").describe_table(TableName=settings.TABLE_NAME)["Table"]
    return f"{table['TableName']}: {table['TableStatus'].lower()}, {len(table['GlobalSecondaryIndexes'])} indexes"


def _cognito() -> str:
    pool = _client("cognito-idp").describe_user_pool(UserPoolId=settings.USER_POOL_ID)["UserPool"]
    return f"{pool['Name']}, multi-factor {pool.get('MfaConfiguration', 'OFF').lower()}"


def _s3() -> str:
    _client("s3").head_bucket(Bucket=settings.GOLD_BUCKET)
    return str(settings.GOLD_BUCKET)


def _glue() -> str:
    tables = _client("glue").get_tables(DatabaseName=settings.GLUE_DATABASE)["TableList"]
    return f"{settings.GLUE_DATABASE}: {len(tables)} tables"


def _athena() -> str:
    group = _client("athena").get_work_group(WorkGroup=settings.ATHENA_WORKGROUP)["WorkGroup"]
    engine = group.get("Configuration", {}).get("EngineVersion", {}).get("EffectiveEngineVersion", "")
    return f"{group['Name']}: {group.get('State', 'enabled').lower()}{', ' if engine else ''}{engine}"


SERVICES: tuple[tuple[str, Callable[[], str]], ...] = (
    ("DynamoDB", _dynamodb),
    ("Cognito", _cognito),
    ("S3", _s3),
    ("Glue", _glue),
    ("Athena", _athena),
)


def look(name: str, ask: Callable[[], str]) -> Finding:
    """Ask one service."""
    started = time.perf_counter()
    try:
        ok, detail = True, ask()
    except ClientError as error:
        ok, detail = False, f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
    except BotoCoreError as error:
        ok, detail = False, str(error)
    return Finding(name, ok, round((time.perf_counter() - started) * 1000, 1), detail)


def _versions() -> list[tuple[str, str]]:
    installed = []
    for name in PACKAGES:
        try:
            installed.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            installed.append((name, "not installed"))
    return [("Todo with Insights", settings.APP_VERSION), ("Python", platform.python_version()), *installed]


def make(request: HttpRequest) -> dict[str, Any]:
    """Ask all services at once."""
    with ThreadPoolExecutor(len(SERVICES)) as pool:
        findings = list(pool.map(lambda service: look(*service), SERVICES))
    return {"findings": findings, "healthy": all(found.ok for found in findings), "versions": _versions()}


PAGE = Page("health", "Health", "admin/health.html", make)
