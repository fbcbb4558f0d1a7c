"""An e-mail address belongs to one person: an item of its own keeps it."""

from identity.items import EmailItem, email_key
from store.errors import WriteContention
from store.model import owner_keys
from store.reading import get
from store.request_context import RequestContext
from store.writing import Action, ConditionFailed, Contended, put, put_unless_held, remove, write

RESERVED_SECONDS = 600


def reserve_email(ctx: RequestContext, email: str, user_id: str) -> bool:
    """Keep an e-mail address for a while for a change that is under way; False if it is somebody else's."""
    now = int(ctx.now.timestamp())
    item = _email(ctx, email, user_id).changed(expires_at=now + RESERVED_SECONDS)
    try:
        write([put_unless_held(item, now)])
    except ConditionFailed:
        return False
    except Contended:
        raise WriteContention from None
    return True


def release_email(email: str) -> None:
    """Give up an e-mail address."""
    remove(email_key(email))


def keep_email(ctx: RequestContext, email: str, user_id: str) -> Action:
    """Return the action that makes a reserved address the user's."""
    return put(_email(ctx, email, user_id))


def holder_of(email: str) -> str | None:
    """Return the id of the user whom an e-mail address is kept for, if there is one. One GetItem."""
    item = get(EmailItem, email_key(email))
    return item.user_id if item else None


def _email(ctx: RequestContext, email: str, user_id: str) -> EmailItem:
    pk, sk = email_key(email)
    return EmailItem(
        PK=pk,
        SK=sk,
        user_id=user_id,
        request_id=ctx.request_id,
        created_at=ctx.timestamp,
        **owner_keys(user_id, pk),
    )
