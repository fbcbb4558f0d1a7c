"""The one policy for passwords: length, and how hard they are to guess; no rules about kinds of characters.

The user pool, here and on AWS, checks only the length. Whoever calls Cognito directly with their own access token meets
that rule alone.
"""

import re

MIN_LENGTH = 12
MAX_LENGTH = 128
TYPED_MAX = 256  # of Cognito, and so of passwords that are older than this policy
LONGEST_GUESSED = 72  # what zxcvbn looks at: its work grows with the square of the length
HARD_TO_GUESS = 3  # of zxcvbn's scores 0 to 4: ten thousand million guesses or more
_SPACES = re.compile(" {2,}")


def check(password: str, *about: str) -> None:
    """Refuse a new password that is too short or too long, is on Django's list, or is easily guessed.

    Any character counts, whatever its script; several spaces in a row count as one. Cognito takes none at
    either end.

    Parameters
    ----------
    about
        What a guesser would try first: the address, username and names of the person.

    Raises
    ------
    WeakPassword
    """
    from django.utils.translation import gettext as _  # here: the stacks read this module without Django

    from identity.errors import WeakPassword

    length = len(_SPACES.sub(" ", password))
    if length < MIN_LENGTH:
        raise WeakPassword(
            _("Choose a longer password: at least %(least)d characters; this one has %(now)d.")
            % {"least": MIN_LENGTH, "now": length}
        )
    if len(password) > MAX_LENGTH:
        raise WeakPassword(
            _("Choose a shorter password: at most %(most)d characters; this one has %(now)d.")
            % {"most": MAX_LENGTH, "now": len(password)}
        )
    if password[0].isspace() or password[-1].isspace():
        raise WeakPassword(_("A password cannot begin or end with a space. Inside, spaces are fine."))
    if score(password, *about) < HARD_TO_GUESS:
        raise WeakPassword(
            _(
                "That password is easy to guess. Take three or four words that do not belong together, "
                "or let your browser make one."
            )
        )


def score(password: str, *about: str) -> int:
    """Return how hard a password is to guess, from 0 to 4 as zxcvbn counts it; ``about`` as of ``check``."""
    return 0 if not password or _is_common(password) else _score(password, about)


def _is_common(password: str) -> bool:
    from django.contrib.auth.password_validation import CommonPasswordValidator

    return password.casefold().strip() in CommonPasswordValidator().passwords


def _score(password: str, about: tuple[str, ...]) -> int:
    from zxcvbn import zxcvbn

    words = [
        word for text in about for word in (text, *text.replace("@", " ").replace(".", " ").split()) if word
    ]
    return int(zxcvbn(password[:LONGEST_GUESSED], user_inputs=words)["score"])
