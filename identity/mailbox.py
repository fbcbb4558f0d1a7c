"""E-mails of a local copy. They never leave the machine, so the pages show the codes that they contain."""

import json
import re
import urllib.request

from django.conf import settings

from identity.items import folded_address

_CODE = re.compile(r"\b\d{6}\b")


def code_for(email: str) -> str:
    """Return the last code that was sent to ``email``; blank if there is none, and always when deployed."""
    if settings.DEPLOYED or not settings.MAIL_PREVIEW_URL or not email:
        return ""
    try:
        with urllib.request.urlopen(settings.MAIL_PREVIEW_URL, timeout=2) as answer:  # noqa: S310 (from settings)
            accounts = json.load(answer)["messages"].values()
    except (OSError, ValueError, KeyError):
        return ""
    bodies = [
        str(mail.get("BodyText") or mail.get("BodyHtml") or "")
        for mails in accounts
        for mail in mails
        if folded_address(email) in map(folded_address, mail.get("To", ()))
    ]
    codes = [match.group() for body in bodies if (match := _CODE.search(body))]
    return codes[-1] if codes else ""
