"""Mail that the site itself sends, through SES. Codes are mailed by Cognito."""

import logging
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

_log = logging.getLogger(__name__)


@cache
def client() -> Any:
    """Return the process's SES client."""
    config = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"})
    return boto3.client("sesv2", region_name=settings.AWS_DEFAULT_REGION, config=config)


def send(to: str, subject: str, text: str) -> bool:
    """Send a plain text to an address; return False if it cannot be sent, which the log explains.

    Nothing is sent, and the log says so, by a stage that has no sender.
    """
    if not settings.MAIL_SENDER:
        _log.warning("a notice was not sent: this stage has no sender")
        return False
    content = {"Subject": {"Data": subject}, "Body": {"Text": {"Data": text}}}
    try:
        client().send_email(
            FromEmailAddress=settings.MAIL_SENDER,
            Destination={"ToAddresses": [to]},
            Content={"Simple": content},
        )
    except (ClientError, BotoCoreError):
        _log.exception("a notice was not sent")
        return False
    return True
