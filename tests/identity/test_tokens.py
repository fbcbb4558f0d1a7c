"""Verification of tokens"""

import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from identity import cognito_tokens, token_verification
from identity.errors import IdentityUnavailable, InvalidToken

KEY, OTHER_KEY = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))


def jwks(**keys):
    algorithm = jwt.algorithms.RSAAlgorithm
    return {
        "keys": [json.loads(algorithm.to_jwk(key.public_key())) | {"kid": kid} for kid, key in keys.items()]
    }


@pytest.fixture
def published(settings, tmp_path):
    """Our own pool's keys, in a file; return a function that publishes others."""
    path = tmp_path / "jwks.json"
    settings.COGNITO_JWKS_URL = path.as_uri()

    def publish(**keys):
        path.write_text(json.dumps(jwks(**keys)))

    publish(one=KEY)
    return publish


@pytest.fixture
def issue(settings, published):
    def issue(key=KEY, kid="one", algorithm="RS256", **changes):
        claims = {
            "sub": "123",
            "iss": settings.COGNITO_ISSUER,
            "aud": settings.CLIENT_ID,
            "token_use": "id",
            "exp": time.time() + 60,
            "email": "alice@example.com",
            "cognito:username": "alice",
            "cognito:groups": ["managers"],
        }
        claims = {name: value for name, value in (claims | changes).items() if value is not None}
        return jwt.encode(claims, key, algorithm, headers={"kid": kid} if kid else None)

    return issue


def test_an_id_token_identifies_its_person_and_roles(issue):
    person = cognito_tokens.person_of(issue())
    assert (person.id, person.email, person.username) == ("123", "alice@example.com", "alice")
    assert person.name == person.email
    assert person.is_manager
    assert not person.is_admin


def test_access_tokens(issue, settings):
    token = issue(aud=None, client_id=settings.CLIENT_ID, token_use="access", username="al", email=None)
    assert cognito_tokens.person_of(token).id == "123"


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"exp": None},
        {"exp": "soon"},
        {"iss": "https://evil.example"},
        {"iss": None},
        {"aud": "another-client"},
        {"aud": None},
        {"token_use": "access"},
        {"token_use": "refresh"},
        {"token_use": None},
        {"token_use": ["id"]},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"nbf": 2**40},
        {"key": OTHER_KEY},
        {"kid": "unknown"},
        {"kid": None},
    ],
    ids=lambda changes: f"{sorted(changes)}",
)
def test_refused(issue, changes):
    with pytest.raises(InvalidToken):
        cognito_tokens.person_of(issue(**changes))


def test_other_algorithms(issue):
    for token in (issue(key=None, algorithm="none"), issue(key="x" * 32, algorithm="HS256")):
        with pytest.raises(InvalidToken):
            cognito_tokens.person_of(token)


def test_remembered_until_it_expires(issue, monkeypatch):
    token = issue()
    cognito_tokens.person_of(token)
    monkeypatch.setattr(token_verification, "verify", lambda token: pytest.fail("verified again"))
    assert cognito_tokens.person_of(token).id == "123"
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 120)
    with pytest.raises(pytest.fail.Exception):
        cognito_tokens.person_of(token)


def test_a_new_key_is_fetched_but_not_for_every_unknown_id(issue, published, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    cognito_tokens.person_of(issue())
    published(one=KEY, two=OTHER_KEY)
    new = issue(key=OTHER_KEY, kid="two")
    with pytest.raises(InvalidToken):
        cognito_tokens.person_of(new)
    clock[0] += token_verification.REFRESH_SECONDS
    assert cognito_tokens.person_of(new).id == "123"


def test_keys_out_of_reach(issue, settings):
    token = issue()
    settings.COGNITO_JWKS_URL = "file:///nowhere/jwks.json"
    with pytest.raises(IdentityUnavailable):
        cognito_tokens.person_of(token)
