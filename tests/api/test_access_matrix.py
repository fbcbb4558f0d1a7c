"""Who may do what: every operation, as everybody. The table below is the whole of it."""

import json
import os
import re
import time
import urllib.request

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client

from identity import browsers, sessions
from store.writing import put, write
from tests.api.client import TASKS, Api
from tests.conftest import PASSWORD

# Tasks, trash, tokens named by id are the owner's. "read" and "write" are the owner's personal access tokens. The last
# are browser sessions of the owner: one that was not used for too long, one that was ended elsewhere, and one that has
# given the password and still owes the second factor.
TABLE = """
operation                             |owner other manager admin read write|anon expired pool none hs256|idle ended half
GET    /api/health                    | 200   200    200    200  200   200 |200    200   200  200   200 |200   200  200
POST   /api/v1/users                  | 200   200    200    200  403   200 |401    401   401  401   401 |401   401  401
GET    /api/v1/users                  | 200   200    200    200  200   200 |401    401   401  401   401 |401   401  401
PUT    /api/v1/users                  | 200   200    200    200  403   200 |401    401   401  401   401 |401   401  401
GET    /api/v1/users/me               | 200   200    200    200  200   200 |401    401   401  401   401 |401   401  401
PATCH  /api/v1/users/me               | 200   200    200    200  403   200 |401    401   401  401   401 |401   401  401
GET    /api/v1/users/OWNER            | 200   404    404    404  200   200 |401    401   401  401   401 |401   401  401
POST   /api/v1/tasks                  | 201   201    201    201  403   201 |401    401   401  401   401 |401   401  401
GET    /api/v1/tasks                  | 200   200    200    200  200   200 |401    401   401  401   401 |401   401  401
POST   /api/v1/tasks/batch            | 200   200    200    200  403   200 |401    401   401  401   401 |401   401  401
GET    /api/v1/tasks/ID               | 200   404    404    404  200   200 |401    401   401  401   401 |401   401  401
PUT    /api/v1/tasks/ID               | 200   404    404    404  403   200 |401    401   401  401   401 |401   401  401
PATCH  /api/v1/tasks/ID               | 200   404    404    404  403   200 |401    401   401  401   401 |401   401  401
DELETE /api/v1/tasks/ID               | 204   404    404    404  403   204 |401    401   401  401   401 |401   401  401
POST   /api/v1/tasks/GONE/restore     | 200   404    404    404  403   200 |401    401   401  401   401 |401   401  401
GET    /api/v1/trash                  | 200   200    200    200  200   200 |401    401   401  401   401 |401   401  401
GET    /api/v1/trash/GONE             | 200   404    404    404  200   200 |401    401   401  401   401 |401   401  401
DELETE /api/v1/trash/GONE             | 204   404    404    404  403   204 |401    401   401  401   401 |401   401  401
POST   /api/v1/tokens                 | 201   201    201    201  403   403 |401    401   401  401   401 |401   401  401
GET    /api/v1/tokens                 | 200   200    200    200  200   200 |401    401   401  401   401 |401   401  401
GET    /api/v1/tokens/TOKEN           | 200   404    404    404  200   200 |401    401   401  401   401 |401   401  401
DELETE /api/v1/tokens/TOKEN           | 204   404    404    404  403   204 |401    401   401  401   401 |401   401  401
GET    /api/v1/export                 | 200   200    200    200  200   200 |401    401   401  401   401 |401   401  401
POST   /api/v1/exports                | 202   202    202    202  403   202 |401    401   401  401   401 |401   401  401
GET    /api/v1/exports                | 200   200    200    200  200   200 |401    401   401  401   401 |401   401  401
GET    /api/v1/exports/EXPORT         | 200   404    404    404  200   200 |401    401   401  401   401 |401   401  401
POST   /api/v1/exports/EXPORT/continue| 200   404    404    404  403   200 |401    401   401  401   401 |401   401  401
POST   /api/v1/imports                | 202   202    202    202  403   202 |401    401   401  401   401 |401   401  401
GET    /api/v1/imports                | 200   200    200    200  200   200 |401    401   401  401   401 |401   401  401
GET    /api/v1/imports/JOB            | 200   404    404    404  200   200 |401    401   401  401   401 |401   401  401
GET    /api/v1/imports/JOB/results    | 200   404    404    404  200   200 |401    401   401  401   401 |401   401  401
POST   /api/v1/imports/JOB/continue   | 422   422    422    422  403   422 |401    401   401  401   401 |401   401  401
GET    /api/v1/recurrence             | 422   422    422    422  422   422 |401    401   401  401   401 |401   401  401
POST   /api/v1/import                 | 200   200    200    200  403   200 |401    401   401  401   401 |401   401  401
GET    /api/v1/calendar               | 200   404    404    404  200   200 |401    401   401  401   401 |401   401  401
DELETE /api/v1/calendar               | 204   404    404    404  403   204 |401    401   401  401   401 |401   401  401
POST   /api/v1/calendar               | 201   201    201    201  403   403 |401    401   401  401   401 |401   401  401
GET    /api/v1/insights               | 403   403    200    200  403   403 |401    401   401  401   401 |401   401  401
GET    /api/v1/insights/none          | 403   403    404    404  403   403 |401    401   401  401   401 |401   401  401
"""
BODIES = {
    "POST /api/v1/users": {},
    "PUT /api/v1/users": {},
    "PATCH /api/v1/users/me": {},
    "POST /api/v1/tasks": {"title": "New"},
    "POST /api/v1/tasks/batch": {"operations": [{"op": "create", "task": {"title": "New"}}]},
    "PUT /api/v1/tasks/ID": {"title": "Changed"},
    "PATCH /api/v1/tasks/ID": {"title": "Changed"},
    "POST /api/v1/tokens": {"name": "script", "scope": "read", "expires_in_days": 1},
    "POST /api/v1/import": [],
    "POST /api/v1/exports": {"format": "csv"},
    "POST /api/v1/imports": {"bytes": 9},
}


def rows():
    """Return {operation: {principal: status}}."""
    header, *lines = [line.replace("|", " ").split() for line in TABLE.strip().splitlines()]
    return {
        f"{method} {path}": dict(zip(header[1:], map(int, statuses), strict=True))
        for method, path, *statuses in lines
    }


@pytest.fixture
def forged(settings, tmp_path, cognito, alice):
    """Tokens that say they are the owner's, and are worth nothing."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with urllib.request.urlopen(settings.COGNITO_JWKS_URL) as answer:
        published = json.load(answer)
    ours = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
    published["keys"].append(ours | {"kid": "ours", "alg": "RS256", "use": "sig"})
    path = tmp_path / "jwks.json"
    path.write_text(json.dumps(published))
    settings.COGNITO_JWKS_URL = path.as_uri()
    claims = {
        "sub": alice.id,
        "iss": settings.COGNITO_ISSUER,
        "aud": settings.CLIENT_ID,
        "token_use": "id",
        "exp": int(time.time()) + 600,
    }
    header = {"kid": "ours"}
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert Api(bearer(jwt.encode(claims, key, "RS256", header)))("GET", TASKS).status_code == 200
    unsigned = jwt.encode(claims, None, "none", header)
    # PyJWT itself refuses to sign with a public key, so it is told that this is none.
    hmac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    message = ".".join(
        jwt.utils.base64url_encode(json.dumps(part).encode()).decode()
        for part in ({"alg": "HS256", "typ": "JWT", **header}, claims)
    )
    signature = jwt.utils.base64url_encode(hmac.sign(message.encode(), public)).decode()
    return {
        "expired": jwt.encode(claims | {"exp": int(time.time()) - 5}, key, "RS256", header),
        "none": unsigned,
        "hs256": f"{message}.{signature}",
        "pool": other_pool(cognito, alice),
    }


def other_pool(cognito, alice):
    """Return a token of a person of the same name, properly issued by another user pool."""
    pool = cognito.create_user_pool(PoolName="other")["UserPool"]["Id"]
    client = cognito.create_user_pool_client(
        UserPoolId=pool, ClientName="other", ExplicitAuthFlows=["ALLOW_USER_PASSWORD_AUTH"]
    )["UserPoolClient"]["ClientId"]
    cognito.admin_create_user(UserPoolId=pool, Username=alice.username, MessageAction="SUPPRESS")
    cognito.admin_set_user_password(
        UserPoolId=pool, Username=alice.username, Password=PASSWORD, Permanent=True
    )
    answer = cognito.initiate_auth(
        ClientId=client,
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={"USERNAME": alice.username, "PASSWORD": PASSWORD},
    )
    assert pool != os.environ["USER_POOL_ID"]
    return answer["AuthenticationResult"]["IdToken"]


def bearer(token):
    return Client(headers={"authorization": f"Bearer {token}"})


@pytest.fixture
def principals(api, alice, bob, charlie, make_account, forged):
    """Everybody in the table's header, as clients of the API."""
    people = {"owner": alice, "other": bob, "manager": charlie, "admin": make_account("Ada", ("admins",))}
    clients = {name: Api(api(person)) for name, person in people.items()}
    for client in clients.values():
        client("GET", "/api/v1/users")
    for scope in ("read", "write"):
        body = {"name": scope, "scope": scope, "expires_in_days": 1}
        made = clients["owner"]("POST", "/api/v1/tokens", body)
        clients[scope] = Api(bearer(made.json()["token"]))
    clients["anon"] = Api(Client())
    clients |= {name: Api(session) for name, session in no_longer_signed_in(alice).items()}
    return clients | {name: Api(bearer(token)) for name, token in forged.items()}


def no_longer_signed_in(account):
    """Return browsers with a session of an account that is worth nothing, by what is the matter with it."""
    found = {"idle": Client(), "ended": Client(), "half": Client()}
    for name in ("idle", "ended"):
        form = {"identifier": account.email, "password": PASSWORD}
        assert found[name].post("/login/", form).status_code == 302
        (item,) = sessions.of_person(account.id)
        if name == "idle":
            idle = item.changed(expires_at=int(time.time()) - 1, GSI1PK=None, GSI1SK=None)
            write([put(idle)])
        else:
            assert browsers.end(account.id, item.PK.partition("#")[2])
    half = found["half"].session
    half["challenge"] = {"name": "SOFTWARE_TOKEN_MFA", "session": "x", "username": account.username}
    half["challenge"] |= {"next": "", "until": int(time.time()) + 180}
    half.save()
    return found


def prepare(owner, operation):
    """Return the path of ``operation``, with what it names newly made for the owner."""
    path = operation.partition(" ")[2]
    if "ID" in path or "GONE" in path:
        task = owner.create()["id"]
        if "GONE" in path:
            owner("DELETE", f"{TASKS}/{task}")
        path = path.replace("ID", task).replace("GONE", task)
    if path.endswith("TOKEN"):
        made = owner("POST", "/api/v1/tokens", {"name": "x", "scope": "read", "expires_in_days": 1}).json()
        path = path.replace("TOKEN", made["id"])
    if "EXPORT" in path:  # at most 20 are kept
        exports = owner("GET", "/api/v1/exports").json() or [
            owner("POST", "/api/v1/exports", {"format": "csv"}).json()
        ]
        path = path.replace("EXPORT", exports[0]["id"])
    if "JOB" in path:
        imports = owner("GET", "/api/v1/imports").json() or [
            owner("POST", "/api/v1/imports", {"bytes": 9}).json()
        ]
        path = path.replace("JOB", imports[0]["id"])
    if path.endswith("calendar") and not operation.startswith("POST"):
        owner("POST", "/api/v1/calendar")
    return path


def test_every_operation_answers_everybody_as_the_table_says(principals, alice):
    found = {}
    for operation, wanted in rows().items():
        found[operation] = {}
        for name in wanted:
            path = prepare(principals["owner"], operation).replace("OWNER", alice.id)
            method = operation.partition(" ")[0]
            answer = principals[name](method, path, BODIES.get(operation))
            found[operation][name] = answer.status_code
            if answer.status_code in {401, 403}:
                assert answer["Content-Type"] == "application/problem+json"
            if answer.status_code == 401:
                assert answer["WWW-Authenticate"].startswith('Bearer realm="todo"'), (operation, name)
    assert found == rows()


def test_nothing_is_missing(client):
    """Every operation that the API documents has its row."""
    paths = client.get("/api/openapi.json").json()["paths"]
    documented = {
        f"{method.upper()} {re.sub(r'{[^}]+}', '*', path)}" for path, item in paths.items() for method in item
    }
    shown = {re.sub(r"/(ID|GONE|TOKEN|OWNER|EXPORT|JOB|none)\b", "/*", operation) for operation in rows()}
    assert shown == documented
