"""Notices by e-mail: what has changed about how somebody signs in, so that they learn of what they did not do.

They are sent after the change, which stays whether or not its notice can be sent. A notice holds no secret and nothing
that anybody typed, and its links only lead to pages that ask for a password.
"""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from identity import directory, preferences
from store import rate_limits
from store.errors import DomainError

MINUTE_MAX = 5  # to one person
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """What is said: a subject, and a sentence that goes on from it."""

    subject: Promise
    text: Promise


PASSWORD = Notice(
    gettext_lazy("Your password was changed"),
    gettext_lazy("Your account has a new password, and other browsers were signed out."),
)
FACTOR_ON = Notice(
    gettext_lazy("A second step was set up"),
    gettext_lazy("Signing in to your account now asks for a code from an authenticator app as well."),
)
FACTOR_OFF = Notice(
    gettext_lazy("The second step was switched off"),
    gettext_lazy("Signing in to your account asks for the password only from now on."),
)
FACTOR_REMOVED = Notice(
    gettext_lazy("The second step was removed"),
    gettext_lazy("An administrator has removed it: signing in to your account asks for the password only."),
)
CODES = Notice(
    gettext_lazy("New recovery codes were made"),
    gettext_lazy("The recovery codes that your account had before no longer work."),
)
CODE_USED = Notice(
    gettext_lazy("A recovery code was used"),
    gettext_lazy("Somebody with your password used a recovery code in place of one from the app."),
)
TOKEN = Notice(
    gettext_lazy("An access token was made"),
    gettext_lazy("It lets a program use your account. You see and revoke your tokens under Access."),
)
CALENDAR = Notice(
    gettext_lazy("Your calendar feed has a new address"),
    gettext_lazy("Whoever has the address can read your due tasks. An older address no longer works."),
)
ADDRESS = Notice(
    gettext_lazy("Your e-mail address was changed"),
    gettext_lazy("An administrator gave your account another address. This is the last mail to this one."),
)


def tell(user_id: str, username: str, notice: Notice, *, address: str = "") -> None:
    """Send a notice about what has just happened to a person, in the language of their choice.

    Sends at most ``MINUTE_MAX`` a minute to one person. Errors are logged and not raised. One request each to Cognito
    and SES, two to DynamoDB.

    Parameters
    ----------
    username
        Their account in Cognito, whose verified address is taken.
    address
        Another one: that of before a change.
    """
    about: dict[str, Any] = {"component": "identity", "operation": "notice", "status": "ok"}
    if not settings.MAIL_SENDER:
        return
    try:
        if not rate_limits.take(f"{user_id}#notices", MINUTE_MAX, time.time()).allowed:
            _log.warning("more notices than are sent in a minute", extra=about | {"status": "refused"})
            return
        if to := address or directory.address_of(username):
            _send(user_id, to, notice)
    except (BotoCoreError, ClientError, DomainError) as error:
        _log.warning("a notice was not sent", exc_info=error, extra=about | {"status": "failed"})
    else:
        _log.info("a notice was sent" if to else "nobody to notify", extra=about)


def _send(user_id: str, to: str, notice: Notice) -> None:
    with translation.override(preferences.get(user_id).language or translation.get_language()):
        subject, text = f"Todo: {notice.subject}", _text(notice)
    _client().send_email(
        FromEmailAddress=settings.MAIL_SENDER,
        Destination={"ToAddresses": [to]},
        Content={"Simple": {"Subject": _part(subject), "Body": {"Text": _part(text)}}},
    )


def _text(notice: Notice) -> str:
    now = datetime.now(UTC)
    moment = _("This happened on %(day)s at %(time)s UTC.") % {
        "day": f"{now:%Y-%m-%d}",
        "time": f"{now:%H:%M}",
    }
    ours = _("If it was you, or you asked for it, there is nothing to do.")
    theirs = _("If not, set a new password, which signs everybody else out, and look at what is in Security:")
    pages = [f"{settings.APP_URL}{_path(name)}" for name in ("forgotten", "account-security")]
    return "\n\n".join([f"{notice.text} {moment}", ours, "\n".join([theirs, *pages])]) + "\n"


def _path(name: str) -> str:
    return reverse(name, urlconf=settings.ROOT_URLCONF).removeprefix(settings.FORCE_SCRIPT_NAME)


def _part(text: str) -> dict[str, str]:
    return {"Data": text, "Charset": "UTF-8"}


@cache
def _client() -> Any:
    # The person waits for the answer to what they did: one attempt, and not for long.
    config = Config(connect_timeout=2, read_timeout=3, retries={"total_max_attempts": 1})
    return boto3.client("sesv2", region_name=settings.AWS_DEFAULT_REGION, config=config)
