"""Deleting one's own account, with everything that is about its owner: in the table, in Cognito, and in the lake.

Big accounts are emptied in portions first, so that the last step always fits. Every step can be done again. The copies
in the lake go by an order that its runner carries out, since the removals must arrive there first.
"""

import logging

from botocore.exceptions import BotoCoreError, ClientError
from django.core import signing

from etl.aws import client
from etl.jobs import job_requests
from etl.lake.config import ConfigError, lake_config
from etl.lake.storage import Bucket
from identity import preferences, profiles
from identity.items import calendar_feed_key
from store import calls
from store.context import RequestContext
from todo_site import erasure

RECEIPT_SECONDS = job_requests.SHOWN_DAYS * 24 * 3600
_SALT = "todo_site.account.erasure"
_log = logging.getLogger(__name__)


def erase(ctx: RequestContext) -> str:
    """Delete the account of ``ctx.user_id`` and all it has.

    Returns
    -------
    str
        A receipt: ``state_of`` tells with it how far the lake is. Empty if the order could not be left, which is
        logged as an error: the operator's ``erase_user`` command does the same.

    Raises Refused, WriteContention, VersionConflict.
    """
    profile = profiles.profile_of(ctx.user_id)
    calls.remove(preferences.key(ctx.user_id))
    calls.remove(calendar_feed_key(ctx.user_id))
    while len(items := erasure.belongings(ctx.user_id)) > erasure.MAX_ERASED:
        erasure.erase_items(ctx, items)
    if profile:
        erasure.delete_user(ctx, profile)
    return _order(ctx)


def _order(ctx: RequestContext) -> str:
    told = {"component": "web", "operation": "delete_account", "metadata": {"user_id": ctx.user_id}}
    try:
        job_requests.request_erasure(_silver(), ctx.user_id, ctx.request_id)
    except (ClientError, BotoCoreError, ConfigError):
        _log.exception("account deleted, its copies in the lake are not: run erase_user", extra=told)
        return ""
    _log.info("account deleted by its owner", extra=told)
    return signing.dumps(job_requests.subject_of(ctx.user_id), salt=_SALT)


def state_of(receipt: str) -> str:
    """Return how far the lake is: ``waiting``, ``running``, ``done`` or ``failed``.

    Raises LookupError for what is no receipt, or one of longer ago than orders are kept.
    """
    try:
        subject = signing.loads(receipt, salt=_SALT, max_age=RECEIPT_SECONDS)
        found = next(order for order in job_requests.recent(_silver()) if order.subject == subject)
    except (signing.BadSignature, StopIteration):
        raise LookupError(receipt) from None
    return found.state


def _silver() -> Bucket:
    return Bucket(lake_config().silver_bucket, client("s3"))
