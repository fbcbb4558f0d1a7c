"""Proving who one is a second time, and carrying the secret of an unfinished enrolment from one page to the next."""

import base64
import hashlib
import json

from cryptography.fernet import Fernet, InvalidToken
from django import forms
from django.conf import settings

from identity import accounts
from identity.cognito import Tokens
from identity.errors import IdentityError, WrongCode
from identity.users import Person

SEAL_SECONDS = 600


def prove(form: forms.Form, person: Person) -> Tokens | None:
    """Return fresh tokens for the password and code in the valid ``form``; None after telling on it what is wrong."""
    given = form.cleaned_data
    try:
        return accounts.prove(person.username, given["password"], given.get("code", "").replace(" ", ""))
    except WrongCode as error:
        form.add_error("code", str(error))
    except IdentityError as error:
        form.add_error("password", str(error))
    return None


def _box() -> Fernet:
    digest = hashlib.sha256(b"todo_site.account.proofs" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


def seal(person: Person, access_token: str, secret: str) -> str:
    """Return the token and the secret of an enrolment encrypted, so that the page can bring them back."""
    return _box().encrypt(json.dumps([person.id, access_token, secret]).encode()).decode()


def unseal(person: Person, sealed: str) -> tuple[str, str] | None:
    """Return token and secret of an enrolment this person began in the last ten minutes, or None."""
    try:
        owner, access_token, secret = json.loads(_box().decrypt(sealed.encode(), ttl=SEAL_SECONDS))
    except (InvalidToken, ValueError):
        return None
    return (access_token, secret) if owner == person.id else None
