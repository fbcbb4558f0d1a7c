"""Setting up a second factor on its page."""

import re

from tests.conftest import PASSWORD
from tests.web.conftest import read
from tests.web.totp import totp

FACTOR = "/account/security/second-factor/"


def enrol(browser) -> tuple[str, list[str]]:
    """Set up a second factor for whoever is signed in; return its secret (base32) and the recovery codes."""
    begun = read(browser.post(FACTOR, {"password": PASSWORD, "act": "begin"}))
    secret = re.search(r'id="secret">([A-Z2-7 ]+)<', begun.html)[1].replace(" ", "")
    done = browser.post(FACTOR, {"act": "finish", "sealed": begun.fields["sealed"], "code": totp(secret)})
    return secret, codes_on(done)


def codes_on(answer) -> list[str]:
    """Return the recovery codes that a page shows."""
    return re.findall(r"<li><code>([a-z0-9-]+)</code></li>", answer.content.decode())
