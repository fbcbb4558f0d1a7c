"""The local user pool: its client, its groups and the demo accounts."""

import secrets
from typing import Any

from botocore.exceptions import ClientError

from identity.passwords import MIN_LENGTH

POOL_NAME = "todo-users"
CLIENT_NAME = "todo-web"
GROUPS = {
    "viewers": "Look at the admin pages",
    "managers": "See the insights",
    "admins": "See the insights and use the admin pages",
}
# username -> groups; the address is <username>@example.com, and either signs in.
DEMO_ACCOUNTS: dict[str, tuple[str, ...]] = {"person": (), "manager": ("managers",), "admin": ("admins",)}
PASSWORD_POLICY = {
    "MinimumLength": MIN_LENGTH,
    "RequireUppercase": False,
    "RequireLowercase": False,
    "RequireNumbers": False,
    "RequireSymbols": False,
    "TemporaryPasswordValidityDays": 7,
}
# Cognito's mails, in HTML: it knows neither a person's language nor the workspace's name (ADR 050). One mail of codes
# serves to confirm an address and to set a new password.
CODE_SUBJECT = "Todo: your code / dein Code"
CODE_MAIL = (
    "Your code: {####}<br><br>"
    "Enter it on the page that asked for it, to confirm your address or to set a new password. "
    "If you did not ask for it, ignore this mail.<br><br>"
    "Gib ihn auf der Seite ein, die danach gefragt hat, um deine Adresse zu bestätigen oder ein neues Passwort zu "
    "setzen. Wenn du ihn nicht angefordert hast, beachte diese Mail nicht."
)
INVITATION_SUBJECT = "Todo: your invitation / deine Einladung"
INVITATION_MAIL = (
    "Your first password: {####}<br><br>"
    "An administrator has made an account for you. Sign in within seven days with the address that this mail came to; "
    "you then choose a password of your own.<br><br>"
    "Ein Administrator hat ein Konto für dich angelegt. Melde dich innerhalb von sieben Tagen mit der Adresse an, an "
    "die diese Mail ging; dann wählst du ein eigenes Passwort.<br><br>"
    "Username / Benutzername: {username}"
)
FOR_EVER = {"PoolName", "AliasAttributes", "UsernameConfiguration"}  # of a pool that exists
AUTH_FLOWS = [
    "ALLOW_USER_PASSWORD_AUTH",
    "ALLOW_ADMIN_USER_PASSWORD_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
]


def pool_definition() -> dict[str, Any]:
    """Return the keyword arguments of ``create_user_pool``: sign-in by username or by verified e-mail address."""
    return {
        "PoolName": POOL_NAME,
        "AliasAttributes": ["email"],
        "AutoVerifiedAttributes": ["email"],
        "UsernameConfiguration": {"CaseSensitive": False},
        "Policies": {"PasswordPolicy": PASSWORD_POLICY},
        "UserAttributeUpdateSettings": {"AttributesRequireVerificationBeforeUpdate": ["email"]},
        "AccountRecoverySetting": {"RecoveryMechanisms": [{"Name": "verified_email", "Priority": 1}]},
        "AdminCreateUserConfig": {
            "AllowAdminCreateUserOnly": False,
            "InviteMessageTemplate": {"EmailSubject": INVITATION_SUBJECT, "EmailMessage": INVITATION_MAIL},
        },
        "VerificationMessageTemplate": {
            "DefaultEmailOption": "CONFIRM_WITH_CODE",
            "EmailSubject": CODE_SUBJECT,
            "EmailMessage": CODE_MAIL,
        },
    }


def client_definition(pool: str) -> dict[str, Any]:
    """Return the keyword arguments of ``create_user_pool_client`` for the pool with id ``pool``."""
    return {
        "UserPoolId": pool,
        "ClientName": CLIENT_NAME,
        "GenerateSecret": False,
        "ExplicitAuthFlows": AUTH_FLOWS,
        "PreventUserExistenceErrors": "ENABLED",
        "EnableTokenRevocation": True,
    }


def find_pool(cognito: Any) -> str | None:
    """Return the id of the pool called POOL_NAME, or None."""
    pages = cognito.get_paginator("list_user_pools").paginate(PaginationConfig={"PageSize": 60})
    return next(pages.search(f"UserPools[?Name=='{POOL_NAME}'].Id"), None)


def ensure_pool(cognito: Any) -> str:
    """Create the pool, or bring an older one up to its definition; return its id.

    One-time codes from an authenticator app are optional.
    """
    found = find_pool(cognito)
    if found is None:
        found = str(cognito.create_user_pool(**pool_definition())["UserPool"]["Id"])
        cognito.set_user_pool_mfa_config(
            UserPoolId=found, SoftwareTokenMfaConfiguration={"Enabled": True}, MfaConfiguration="OPTIONAL"
        )
        return found
    changeable = {name: value for name, value in pool_definition().items() if name not in FOR_EVER}
    cognito.update_user_pool(UserPoolId=found, MfaConfiguration="OPTIONAL", **changeable)
    return found


def ensure_client(cognito: Any, pool: str) -> str:
    """Return the id of the pool's client; create it if it is missing."""
    pages = cognito.get_paginator("list_user_pool_clients").paginate(UserPoolId=pool)
    found = next(pages.search(f"UserPoolClients[?ClientName=='{CLIENT_NAME}'].ClientId"), None)
    return str(
        found or cognito.create_user_pool_client(**client_definition(pool))["UserPoolClient"]["ClientId"]
    )


def ensure_groups(cognito: Any, pool: str) -> None:
    """Create missing groups."""
    present = set(cognito.get_paginator("list_groups").paginate(UserPoolId=pool).search("Groups[].GroupName"))
    for name, description in GROUPS.items():
        if name not in present:
            cognito.create_group(UserPoolId=pool, GroupName=name, Description=description)


def ensure_accounts(cognito: Any, pool: str, password: str, *, reset: bool) -> None:
    """Create missing demo accounts with ``password``; ``reset`` gives it to existing ones too."""
    for username, groups in DEMO_ACCOUNTS.items():
        if _ensure_user(cognito, pool, username) or reset:
            cognito.admin_set_user_password(
                UserPoolId=pool, Username=username, Password=password, Permanent=True
            )
        for group in groups:
            cognito.admin_add_user_to_group(UserPoolId=pool, Username=username, GroupName=group)


def _ensure_user(cognito: Any, pool: str, username: str) -> bool:
    """Create the account if it is missing; return whether it still needs a password."""
    try:
        user = cognito.admin_get_user(UserPoolId=pool, Username=username)
    except ClientError as error:
        if error.response["Error"]["Code"] != "UserNotFoundException":
            raise
        user = cognito.admin_create_user(
            UserPoolId=pool,
            Username=username,
            MessageAction="SUPPRESS",
            UserAttributes=[
                {"Name": "email", "Value": f"{username}@example.com"},
                {"Name": "email_verified", "Value": "true"},
                {"Name": "name", "Value": f"Demo {username.title()}"},
                {"Name": "given_name", "Value": "Demo"},
                {"Name": "family_name", "Value": username.title()},
            ],
        )["User"]
    return bool(user["UserStatus"] == "FORCE_CHANGE_PASSWORD")


def new_password() -> str:
    """Return a random password that satisfies the policy and is easy to type: Demo- and three short groups."""
    letters = "abcdefghjkmnpqrstuvwxyz"
    groups = ["".join(secrets.choice(letters) for _ in range(4)) for _ in range(3)]
    return f"Demo-{'-'.join(groups)}-{secrets.randbelow(90) + 10}"
