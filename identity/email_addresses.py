"""An e-mail address belongs to one person: an item of its own keeps it."""

from typing import Any

from identity.items import email_key
from store import calls
from store.context import RequestContext
from store.errors import WriteContention

RESERVED_SECONDS = 600


def reserve_email(ctx: RequestContext, email: str, user_id: str) -> bool:
    """Keep an e-mail address for a while for a change that is under way; False if it is somebody else's."""
    values = _email(email, user_id) | {
        "request_id": ctx.request_id,
        "created_at": ctx.timestamp,
        "expires_at": int(ctx.now.timestamp()) + RESERVED_SECONDS,
    }
    try:
        calls.write([calls.put_unless_held(values, int(ctx.now.timestamp()))])
    except calls.ConditionFailed:
        return False
    except calls.Contended:
        raise WriteContention from None
    return True


def release_email(email: str) -> None:
    """Give up an e-mail address."""
    calls.remove(email_key(email))


def keep_email(ctx: RequestContext, email: str, user_id: str) -> calls.Action:
    """Return the action that makes a reserved address the user's."""
    return calls.put(_email(email, user_id) | {"created_at": ctx.timestamp, "request_id": ctx.request_id})


def _email(email: str, user_id: str) -> dict[str, Any]:
    pk, sk = email_key(email)
    return {"PK": pk, "SK": sk, "entity_type": "EMAIL", "user_id": user_id}
