"""Run by test_frozen_process.py: a process that says, line by line, whether somebody's access has been revoked.

Arguments: how old its list may be, and for how long it tries to read one (seconds). Each line of the input is a user
id; the answer is `revoked`, `valid` or `unavailable`.
"""

import sys

import django
from django.conf import settings

django.setup()

from identity import revocations  # noqa: E402
from identity.errors import IdentityUnavailable  # noqa: E402
from identity.users import Person  # noqa: E402


def answer(user_id: str) -> str:
    try:
        revoked = revocations.revoked(Person(id=user_id, email="", username="", name=""))
    except IdentityUnavailable:
        return "unavailable"
    return "revoked" if revoked else "valid"


settings.REVOCATIONS_SECONDS, revocations.READ_SECONDS = map(float, sys.argv[1:])
for line in sys.stdin:
    print(answer(line.strip()), flush=True)
