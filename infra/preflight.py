"""What a deployment looks at before it makes anything: this machine, this checkout, the account and its quotas."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from infra.settings import PYTHON, ROOT, Settings
from infra.tools import ToolError

# A page and what it loads, twice, beside capture, lake and metrics. A new account may have 10.
NEEDED_CONCURRENCY = 30
COGNITO_MAILS_A_DAY = 50
QUOTA_PAGE = "Service Quotas, AWS Lambda, 'Concurrent executions'"
BUSY = "_IN_PROGRESS"
STUCK = {
    "UPDATE_ROLLBACK_FAILED": "aws cloudformation continue-update-rollback --stack-name {name}",
    "DELETE_FAILED": "make destroy STAGE={stage}",
    "ROLLBACK_FAILED": "aws cloudformation delete-stack --stack-name {name}",
}
# A deployment should not wait long for an answer that it only advises with.
_BRIEF = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 2})


def require_python() -> None:
    """Raise ToolError unless this is the Python of the functions: packages hold its bytecode and its wheels."""
    here = ".".join(map(str, sys.version_info[:2]))
    if here != PYTHON:
        raise ToolError(
            f"The functions run Python {PYTHON}, and this is {here}: packages made with it would not start. Install "
            f"Python {PYTHON}, remove .venv and .venv-infra, and run the command again."
        )


def check(settings: Settings) -> list[str]:
    """Look at the account; return what the operator should know, in words.

    Raises
    ------
    ToolError
        If the deployment would fail, or would replace data.
    """
    try:
        account = boto3.client("sts", config=_BRIEF).get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise ToolError(f"No credentials of an AWS account: {error}") from error
    notes = [f"account {account}, region {settings.region}"]
    _stacks(settings)
    notes += _concurrency()
    notes += _mail(settings)
    return notes


def checkout(stage: str) -> Iterator[str]:
    """Yield what is odd about this checkout. Raises ToolError if prod would get what no commit has."""
    done = subprocess.run(
        ["git", "status", "--porcelain"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        yield "this is no Git checkout: nobody will be able to tell what was deployed"
    elif changed := done.stdout.splitlines():
        what = f"{len(changed)} files differ from the last commit: {', '.join(changed[:3])}"
        if stage == "prod":
            raise ToolError(f"{what}. Commit them first, so that what prod runs can be found again.")
        yield what


def _stacks(settings: Settings) -> None:
    """Raise ToolError if a stack cannot be updated now, or would get other names than it has."""
    cloudformation = boto3.client("cloudformation", config=_BRIEF)
    for name in (
        settings.stack_name(stack) for stack in ("DataStack", "EtlStack", "ApiStack", "MonitoringStack")
    ):
        try:
            (stack,) = cloudformation.describe_stacks(StackName=name)["Stacks"]
        except ClientError as error:
            if error.response["Error"]["Code"] == "ValidationError":
                continue
            raise ToolError(f"{name}: {error}") from error
        status = stack["StackStatus"]
        if status.endswith(BUSY) and status != "REVIEW_IN_PROGRESS":
            raise ToolError(f"{name} is {status}: somebody else deploys. Wait until that has ended.")
        if status in STUCK:
            command = STUCK[status].format(name=name, stage=settings.stage)
            raise ToolError(f"{name} is {status}. Run: {command}")
        outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}
        table = outputs.get("TableName")
        if table and table != settings.name("todo-app-data"):
            raise ToolError(
                f"{name} has the table {table}, and with suffix = {settings.suffix!r} it would get a new, empty one "
                f"named {settings.name('todo-app-data')}. Put the suffix back into infra/stages/{settings.stage}.toml."
            )


def _concurrency() -> Iterator[str]:
    """Yield what to do if the account runs too few functions at once."""
    try:
        found = boto3.client("lambda", config=_BRIEF).get_account_settings()["AccountLimit"]
    except (BotoCoreError, ClientError) as error:
        yield f"Lambda's quotas cannot be read ({error}): see that {NEEDED_CONCURRENCY} functions may run at once"
        return
    free = found["UnreservedConcurrentExecutions"]
    if free < NEEDED_CONCURRENCY:
        yield (
            f"LAMBDA RUNS ONLY {free} FUNCTIONS AT ONCE in this account, and the stage needs {NEEDED_CONCURRENCY}: "
            f"visitors will get errors. Ask for more in {QUOTA_PAGE}; it takes a day or two."
        )


def mails_a_day(settings: Settings) -> int:
    """Return how many mails Cognito or SES sends for a stage in a day at most; 0 if SES does not say."""
    if not settings.sender:
        return COGNITO_MAILS_A_DAY
    try:
        account: dict[str, Any] = boto3.client("sesv2", config=_BRIEF).get_account()
    except (BotoCoreError, ClientError):
        return 0
    return max(0, int(account["SendQuota"]["Max24HourSend"]))  # -1: no limit


def _mail(settings: Settings) -> Iterator[str]:
    """Yield the limits of mail. Raises ToolError if SES would refuse the sender."""
    if not settings.sender:
        yield (
            f"no sender: Cognito sends {COGNITO_MAILS_A_DAY} mails a day at most, for sign-ups and passwords. Verify a "
            f"domain in SES, and name a sender in infra/stages/{settings.stage}.toml"
        )
        return
    ses, domain = boto3.client("sesv2", config=_BRIEF), settings.sender_domain
    try:
        verified = ses.get_email_identity(EmailIdentity=domain)["VerifiedForSendingStatus"]
        account: dict[str, Any] = ses.get_account()
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotFoundException":
            yield f"SES cannot be asked about {domain} ({error}): see that the domain is verified"
            return
        verified = False
    except BotoCoreError as error:
        yield f"SES cannot be asked about {domain} ({error}): see that the domain is verified"
        return
    if not verified:
        raise ToolError(
            f"SES in {settings.region} has not verified {domain}, the domain of the sender. Run: "
            f"aws sesv2 create-email-identity --email-identity {domain}, and publish the records that it answers with."
        )
    if not account["ProductionAccessEnabled"]:
        yield (
            "SES IS IN ITS SANDBOX and delivers only to verified addresses: ask for production access (SES, Account "
            "dashboard)"
        )
    if not account.get("SendingEnabled", True):
        yield "SES HAS PAUSED SENDING in this account: nobody gets mail"
    yield f"SES sends {account['SendQuota']['Max24HourSend']:.0f} mails a day at most"
