"""Requests the erasure of a person in the lake, whose runner does it once the removals have arrived there."""

from django.core import signing

from etl.aws import client
from etl.jobs import job_requests
from etl.lake.config import lake_config
from etl.lake.storage import Bucket
from store.request_context import RequestContext

RECEIPT_SECONDS = job_requests.SHOWN_DAYS * 24 * 3600
_SALT = "todo_site.account.erasure"


def request(ctx: RequestContext, requested_by: str = "the person") -> str:
    """Request that the copies of ``ctx.user_id`` are erased, after the last item has left the table.

    ``requested_by`` is shown to admins. Returns a receipt: ``state_of`` tells with it how far the lake is. Raises
    ConfigError if there is no lake, ClientError and BotoCoreError.
    """
    job_requests.request_erasure(_silver(), ctx.user_id, ctx.request_id, requested_by)
    return signing.dumps(job_requests.subject_of(ctx.user_id), salt=_SALT)


def state_of(receipt: str) -> str:
    """Return how far the lake is: ``waiting``, ``running``, ``done`` or ``failed``.

    Raises LookupError for what is no receipt, or one of longer ago than requests are kept.
    """
    try:
        subject = signing.loads(receipt, salt=_SALT, max_age=RECEIPT_SECONDS)
        found = next(order for order in job_requests.recent(_silver()) if order.subject == subject)
    except (signing.BadSignature, StopIteration):
        raise LookupError(receipt) from None
    return found.state


def _silver() -> Bucket:
    return Bucket(lake_config().silver_bucket, client("s3"))
