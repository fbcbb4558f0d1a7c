"""When a person last signed in with a browser: one small item, written once a sign-in. Not in the lake."""

import logging
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from identity.items import SignInItem, sign_in_key
from store.model import Item, KeysAtLeast
from store.reading import get, get_all
from store.request_context import RequestContext
from store.writing import put, write

_log = logging.getLogger(__name__)


def remember(ctx: RequestContext) -> None:
    """Store that ``ctx.user_id`` has just signed in. One PutItem; if it fails, people get in all the same."""
    pk, sk = sign_in_key(ctx.user_id)
    item = SignInItem(PK=pk, SK=sk, user_id=ctx.user_id, at=ctx.timestamp, request_id=ctx.request_id)
    try:
        write([put(item)])
    except (BotoCoreError, ClientError) as error:
        _log.warning("a sign-in was not remembered", exc_info=error)


def last_of_many(user_ids: Sequence[str]) -> dict[str, str]:
    """Return when each of up to 100 people last signed in, for those of whom it is known. One BatchGetItem."""
    found: Sequence[Item | None] = get_all(KeysAtLeast, [sign_in_key(user_id) for user_id in user_ids])
    return {
        user_id: item.at
        for user_id, item in zip(user_ids, found, strict=True)
        if isinstance(item, SignInItem) and item.at
    }


def last_of(user_id: str) -> str:
    """Return when a person last signed in (ISO 8601), blank if that is not known. One GetItem."""
    item = get(SignInItem, sign_in_key(user_id))
    return item.at if item else ""
