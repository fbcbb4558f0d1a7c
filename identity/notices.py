"""Notices by e-mail: what has changed about how somebody signs in, so that they learn of what they did not do.

They are sent after the change, which stays whether or not its notice can be sent. A notice holds no secret and nothing
that anybody typed, and its links only lead to pages that ask for a password.
"""

import hashlib
import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from identity import directory, preferences
from store import throttle
from store.errors import DomainError
from store.throttle import Limit
from web import mail

# To one person: at once, and again in each such time.
NOTICES_MOST, NOTICE_SECONDS = 10, 3600
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
CODE_AGAIN = Notice(
    gettext_lazy("A code of your app was used a second time"),
    gettext_lazy("Somebody with your password sent a code that had signed in before. It was refused."),
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

    Sends ``NOTICES_MOST`` at once to one person, and as many again in an hour. Errors are logged and not raised. One
    request each to Cognito and SES, two or three to DynamoDB; none by a stage without a sender.

    Parameters
    ----------
    username
        Their account in Cognito, whose verified address is taken.
    address
        Another one: that of before a change.
    """
    if not settings.MAIL_SENDER:
        return
    try:
        if throttle.take(_subject(user_id), Limit(NOTICES_MOST, NOTICE_SECONDS), time.time()):
            _log.warning("a notice was not sent: there were many before it")
        elif to := address or directory.address_of(username):
            with translation.override(preferences.get(user_id).language or translation.get_language()):
                mail.send(to, f"Todo: {notice.subject}", _text(notice))
    except (BotoCoreError, ClientError, DomainError) as error:
        _log.warning("a notice was not sent", exc_info=error)


def _subject(user_id: str) -> str:
    return hashlib.sha256(f"identity.notices.{user_id}".encode()).hexdigest()


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
