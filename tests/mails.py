"""The e-mails of the local AWS, which never leave it."""

import json
import os
import urllib.request
from typing import Any


def mails_to(address: str) -> list[dict[str, Any]]:
    """Return the mails to an address, the oldest first: `Source`, `To`, `Subject`, `BodyText`, `BodyHtml`."""
    with urllib.request.urlopen(os.environ["MAIL_PREVIEW_URL"], timeout=10) as answer:
        accounts = json.load(answer)["messages"].values()
    return [mail for mails in accounts for mail in mails if address in mail["To"]]


def text_of(mail: dict[str, Any]) -> str:
    """Return what a mail says: Cognito's own are HTML."""
    return str(mail.get("BodyHtml") or mail["BodyText"])


def subjects_to(address: str) -> list[str]:
    """Return what the mails to an address are about, the oldest first."""
    return [mail["Subject"] for mail in mails_to(address)]
