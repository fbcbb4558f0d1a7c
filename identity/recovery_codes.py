"""Recovery codes: ten that stand in for the authenticator app at sign-in, once each.

The table holds digests of them. Cognito knows no such codes, so the app does what a code stands for: it stops
Cognito from asking for the second factor for as long as one sign-in takes.
"""

import hashlib
import hmac
import secrets

from identity import cognito, directory, notices, tries
from identity.cognito import TOTP, Tokens
from identity.errors import ChallengeRequired, WrongCode
from identity.items import RecoveryCodesItem, recovery_codes_key
from identity.tries import Visitor
from store.commit import Plan, commit
from store.reading import get
from store.request_context import RequestContext
from store.writing import put, put_instead, remove, write

COUNT = 10
GROUPS, LETTERS = 4, 4
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # nothing that looks like something else


def make(ctx: RequestContext) -> list[str]:
    """Give a person new codes in place of any they had, and return them; nobody can read them later."""
    codes = ["-".join(_group() for _ in range(GROUPS)) for _ in range(COUNT)]
    pk, sk = recovery_codes_key(ctx.user_id)
    salt = secrets.token_hex(16)
    digests = [_digest(ctx.user_id, salt, code) for code in codes]
    item = RecoveryCodesItem(
        PK=pk,
        SK=sk,
        user_id=ctx.user_id,
        digests=digests,
        salt=salt,
        request_id=ctx.request_id,
        created_at=ctx.timestamp,
    )
    write([put(item)])
    return codes


def left(user_id: str) -> int:
    """Return how many codes a person can still use."""
    item = get(RecoveryCodesItem, recovery_codes_key(user_id))
    return len(item.digests) if item else 0


def is_one(text: str) -> bool:
    """Whether a text has the length of a recovery code, and so is no code of an app."""
    return len(_plain(text)) == GROUPS * LETTERS


def forget(user_id: str) -> None:
    """Remove the codes of a person who needs none any more."""
    remove(recovery_codes_key(user_id))


def sign_in(who: Visitor, identifier: str, password: str, code: str) -> Tokens:
    """Sign in with the password and, where Cognito wants a code of the app, with a recovery code in place of it.

    Raises WrongCode, TooManyTries, and what ``cognito.sign_in`` raises.
    """
    try:
        with tries.counted(who, tries.PASSWORD, identifier):
            return cognito.sign_in(identifier, password)
    except ChallengeRequired as challenge:
        if challenge.name != TOTP:
            raise
        username = challenge.username or identifier
    return in_place_of_the_app(who, username, password, code)


def in_place_of_the_app(who: Visitor, username: str, password: str, code: str) -> Tokens:
    """Sign in with a recovery code and a password that Cognito has just found right, and tell the person by e-mail.

    Raises WrongCode, TooManyTries.
    """
    user_id = directory.account(username).id
    with tries.counted(who, tries.FACTOR, username):
        if not _use(user_id, code):
            raise WrongCode
    directory.prefer_totp(username, wanted=False)
    try:
        return cognito.sign_in(username, password)
    finally:
        directory.prefer_totp(username, wanted=True)
        notices.tell(user_id, username, notices.CODE_USED)


def _use(user_id: str, code: str) -> bool:
    """Use a code up; return False if the person has no such code (any more)."""

    def plan(item: RecoveryCodesItem | None) -> Plan[bool]:
        if item is None:
            return Plan(False)
        used = _digest(user_id, item.salt, code)
        rest = [digest for digest in item.digests if not hmac.compare_digest(digest, used)]
        if len(rest) == len(item.digests):
            return Plan(False)
        return Plan(True, [put_instead(item.changed(digests=rest), item, "digests")])

    return commit(None, plan, keys=[recovery_codes_key(user_id)]).result


def _group() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(LETTERS))


def _plain(text: str) -> str:
    return "".join(text.split()).replace("-", "").casefold()


def _digest(user_id: str, salt: str | None, code: str) -> str:
    # A code has 79 random bits: nobody finds it from its digest. The salt keeps digests of several people apart.
    salted = f"{salt}.{user_id}" if salt else user_id
    return hashlib.sha256(f"{salted}.{_plain(code)}".encode()).hexdigest()
