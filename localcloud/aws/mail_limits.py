"""Mail that Cognito sends is limited: by the day, with SES by the second, and in its sandbox to verified addresses.

Hole closed: ministack sends any number of mails, to anybody. Here a pool without a sender of its own sends as many in
24 hours as Cognito allows it, and one that sends through SES as many as SES does. Sources: the quotas page of Cognito,
and SES's pages about its sandbox.

Environment
-----------
LOCAL_AWS_MAILS_A_DAY
    Mails of a pool without a sender of its own, instead of Cognito's 50: a suite of tests signs up more people.
"""

import os
import time
from typing import Any

from ministack.services import cognito, ses

from localcloud.aws.decisions import AUDIT, tell
from localcloud.aws.protocol import Response, error_response
from localcloud.aws.rates import CHOSEN as RATES

COGNITO_A_DAY = int(os.environ.get("LOCAL_AWS_MAILS_A_DAY") or 50)
SANDBOX_A_DAY = 200
SES_A_DAY = 50_000  # as ministack says of an account with production access
SANDBOX_A_SECOND, SES_A_SECOND = 1, 14
DAY_SECONDS = 24 * 3600
TOO_FAST = "Maximum sending rate exceeded."
CREATING = ("SignUp", "AdminCreateUser")
TOO_MANY = (
    "Exceeded daily email limit for the operation or the account. If a higher limit is required, please configure your "
    "user pool to use your own Amazon SES configuration for sending email from your own account."
)


class MailRefused(Exception):  # noqa: N818 - no fault of this program
    """A mail is not sent; the texts are AWS's."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


def install() -> None:
    """Look before each mail, and answer its request with the refusal."""
    deliver, dispatch = cognito._deliver_cognito_email, cognito._dispatch_idp

    def deliver_within_limits(pool: dict[str, Any], to_email: str, *more: Any, **named: Any) -> Any:
        if to_email and (refused := _refusal(pool, to_email)):
            tell(f"limit exceeded (mail): {refused.code}: {refused}")
            if not AUDIT:
                raise refused
        return deliver(pool, to_email, *more, **named)

    async def dispatch_and_answer(action: str, data: dict[str, Any]) -> Response:
        before = set(_users(data)) if action in CREATING else set()
        try:
            response: Response = await dispatch(action, data)
        except MailRefused as refused:
            if refused.code == "LimitExceededException" and action in CREATING:  # nobody was created
                for name in set(_users(data)) - before:
                    del _users(data)[name]
            return error_response(refused.code, str(refused), 400)
        return response

    cognito._deliver_cognito_email, cognito._dispatch_idp = deliver_within_limits, dispatch_and_answer


def _users(data: dict[str, Any]) -> dict[str, Any]:
    pool = (
        cognito._user_pools.get(data.get("UserPoolId")) or cognito._pool_for_client(data.get("ClientId"))[0]
    )
    return pool["_users"] if pool else {}


def _refusal(pool: dict[str, Any], recipient: str) -> MailRefused | None:
    """Return why a pool may not send to an address now."""
    configuration = cognito._email_configuration_out(pool.get("EmailConfiguration"))
    own_sender = configuration["EmailSendingAccount"] == "DEVELOPER"
    if own_sender and (rejected := ses._message_rejection("", [recipient])):
        return MailRefused("CodeDeliveryFailureException", rejected)
    if (
        own_sender
        and RATES != "0"
        and _sent(pool, 1) >= (SES_A_SECOND if _in_production() else SANDBOX_A_SECOND)
    ):
        return MailRefused("CodeDeliveryFailureException", TOO_FAST)
    most = _a_day() if own_sender else COGNITO_A_DAY
    return None if _sent(pool, DAY_SECONDS) < most else MailRefused("LimitExceededException", TOO_MANY)


def _in_production() -> bool:
    return bool(ses._production_access_enabled())


def _a_day() -> int:
    return SES_A_DAY if _in_production() else SANDBOX_A_DAY


def _sent(pool: dict[str, Any], seconds: float) -> int:
    """Return the number of mails of a pool in the last seconds."""
    since = time.time() - seconds
    mine = (each for each in ses._sent_emails_list() if each.get("UserPoolId") == pool["Id"])
    return sum(each["Timestamp"] >= since for each in mine)
