"""What text people may store, in which form it is stored, and when two texts count as the same (ADR 042).

Everything that a person or program types goes through ``line`` or ``prose``; everything that is compared or searched
through ``folded``; and what is only repeated back, such as the words of a refused form, through ``shown``.
"""

import re
import unicodedata
from collections.abc import Iterable

from django.utils.translation import gettext as _

# Longer runs are in no language, and take quadratic time to normalise (UAX #15, Stream-Safe Text Format).
MOST_MARKS = 30

_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_LAST_TWO = "".join(rf"\U{plane:04x}fffe\U{plane:04x}ffff" for plane in range(17))
_NONCHARACTERS = rf"\ufdd0-\ufdef{_LAST_TWO}\ud800-\udfff"
# Embeddings, overrides and isolates; deprecated format characters; byte order mark; annotations; tags.
_HIDDEN = r"\u202a-\u202e\u2066-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
# The one use of tags: the flag of a region, such as Scotland's.
_FLAG = r"(\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,8}\U000e007f)"
# Unicode's Default_Ignorable_Code_Point, but for the tags of flags.
_IGNORABLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    r"\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e001f\U000e0080-\U000e0fff"
)
# Blank, although Unicode does not ignore them: an empty Braille cell, a note without a head, a Khitan filler.
_BLANK = r"\u2800\U0001d159\U00016fe4"
# Without a width: they do nothing at the end of a line. Not so joiners and direction marks.
_AROUND = "".join(chr(code) for code in range(0x3001) if chr(code).isspace()) + "\u00ad\u200b\u2060\ufeff"

_control = re.compile(f"[{_CONTROLS}]")
_control_or_break = re.compile(rf"[{_CONTROLS}\t\n\r\u2028\u2029]")
_noncharacter = re.compile(f"[{_NONCHARACTERS}]")
_hidden = re.compile(f"{_FLAG}|[{_HIDDEN}]")
_unfit = re.compile(f"{_FLAG}|[{_CONTROLS}{_NONCHARACTERS}{_HIDDEN}]")
# Few ranges are tested a hundred times as fast: most pages have none of these.
_suspect = re.compile(
    rf"[{_CONTROLS}\u202a-\u202e\u2066-\u206f\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\uffff\U00010000-\U0010ffff]"
)
_ignorable = re.compile(f"[{_IGNORABLE}]")
_visible = re.compile(rf"[^\s{_IGNORABLE}{_BLANK}]")
_break = re.compile(r"\r\n?|[\x85\u2028\u2029]")

# The same for JSON Schema, as far as its patterns can say it.
_NOT_IN_PROSE = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufdd0-\ufdef\ufffe\uffff"
_NOT_IN_LINE = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ufdd0-\ufdef\ufffe\uffff"
_IGNORED = _IGNORABLE.partition(r"\U")[0]
PROSE_PATTERN = f"^[^{_NOT_IN_PROSE}]*$"
LINE_PATTERN = rf"^[^{_NOT_IN_LINE}]*[^\s\u2800{_IGNORED}{_NOT_IN_LINE}][^{_NOT_IN_LINE}]*$"
BLANK_OR_LINE_PATTERN = f"^[^{_NOT_IN_LINE}]*$"


class TextRefused(ValueError):  # noqa: N818
    """The text cannot be stored; ``str()`` of it says why, ``code`` is for programs."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def line(text: str) -> str:
    """Return one line as it is stored: in NFC, without hidden characters and blanks around it.

    It is "" if nothing of it can be seen. Raises TextRefused.
    """
    text = _normal(text.strip(_AROUND)).strip(_AROUND)
    if _control_or_break.search(text):
        raise TextRefused("control_character", _("Must be one line without control characters."))
    return text if _visible.search(text) else ""


def prose(text: str) -> str:
    """Return text of several lines as it is stored: in NFC, without hidden characters, its lines ended by ``\\n``.

    It is "" if nothing of it can be seen. Raises TextRefused.
    """
    text = _normal(_break.sub("\n", text))
    if _control.search(text):
        raise TextRefused("control_character", _("Must not contain control characters."))
    return text if _visible.search(text) else ""


def _normal(text: str) -> str:
    if text.isascii():
        return text
    if found := _noncharacter.search(text):
        message = _("Must not contain U+%(code)s, which is not a character.")
        raise TextRefused("noncharacter", message % {"code": f"{ord(found[0]):04X}"})
    text = _hidden.sub(_flag_only, text)
    if not _is_stream_safe(text):
        message = _("Must not have more than %(most)d accents on one letter.")
        raise TextRefused("too_many_marks", message % {"most": MOST_MARKS})
    return unicodedata.normalize("NFC", text)


def _flag_only(found: re.Match[str]) -> str:
    return found[1] or ""


def _is_stream_safe(text: str) -> bool:
    run = 0
    for character in text:
        run = run + 1 if unicodedata.combining(character) else 0
        if run > MOST_MARKS:
            return False
    return True


def shown(text: str) -> str:
    """Return ``text`` as it may be repeated to the person who sent it: without what could not be stored."""
    return _unfit.sub(_flag_only, text) if _suspect.search(text) else text


def is_blank(text: str) -> bool:
    """Return whether nothing of ``text`` can be seen."""
    return not _visible.search(text)


def canonical(text: str) -> str:
    """Return ``text`` in the form in which equal texts are stored (NFC), whatever it is made of."""
    return unicodedata.normalize("NFC", text)


def folded(text: str) -> str:
    """Return the form in which ``text`` is compared and searched.

    It is the same for all spellings that are compatible (NFKC), whatever their case and invisible characters: Unicode's
    NFKC_Casefold. It may be 18 times as long.
    """
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", _ignorable.sub("", text))
    for _turn in range(2):  # as Unicode 3.13, D146: folding can undo the order of the marks
        text = unicodedata.normalize("NFKD", _ignorable.sub("", text).casefold())
    return unicodedata.normalize("NFKC", text)


def same(one: str, other: str) -> bool:
    """Return whether two texts count as the same."""
    return one == other or folded(one) == folded(other)


def distinct(texts: Iterable[str]) -> list[str]:
    """Return the texts without those that are the same as an earlier one."""
    found: dict[str, str] = {}
    for text in texts:
        found.setdefault(folded(text), text)
    return list(found.values())
