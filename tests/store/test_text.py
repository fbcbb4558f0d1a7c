"""Which text is stored, in which form, and when two texts count as the same"""

import unicodedata
from contextlib import suppress

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from store import text

FORMS = ("NFC", "NFD", "NFKC", "NFKD")
FAMILY, RAINBOW = "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f3f3\ufe0f\u200d\U0001f308"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"

# What people write, all of which stays as it is.
REAL = {
    "a family": FAMILY,
    "a skin tone": "\U0001f44d\U0001f3fd",
    "a flag of two letters": "\U0001f1e9\U0001f1ea",
    "a flag of tags": SCOTLAND,
    "a flag of parts": RAINBOW,
    "a heart": "\u2764\ufe0f",
    "a keycap": "3\ufe0f\u20e3",
    "Persian with a non-joiner": "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "Malayalam with a joiner at the end": "\u0d05\u0d35\u0d28\u0d4d\u200d",
    "Hindi": "\u0939\u093f\u0928\u094d\u0926\u0940 \u0938\u0940\u0916\u0928\u093e",
    "Hebrew with a mark at the end": "\u05e7\u05d5\u05e8\u05e1 C++\u200e",
    "Hebrew with points": "\u05d1\u05b0\u05bc\u05e8\u05b5\u05d0\u05e9\u05b4\u05c1\u05d9\u05ea",
    "Arabic with a mark": "\u0645\u0648\u0639\u062f 10:30\u200f \u0635\u0628\u0627\u062d\u0627",
    "Hangul": "\uac10 \uc0ac\uae30",
    "Hangul of old letters": "\u1112\u119e\u11ab",
    "Vietnamese": "Vi\u1ec7t Nam \u0111\u1eb9p l\u1eafm",
    "German": "Stra\u00dfe, STRA\u1e9eE",
    "Turkish": "\u0130stanbul, \u0131\u015f\u0131k",
    "Thai with a break": "\u0e20\u0e32\u0e29\u0e32\u200b\u0e44\u0e17\u0e22",
    "full width": "\uff34\uff4f\uff4b\uff59\uff4f",
    "a ligature": "\ufb01nal",
    "a private character": "\uf8ff Watch",
    "a replacement character": "Caf\ufffd",
    "a soft hyphen": "Donau\u00addampfschiff",
}


@pytest.mark.parametrize("written", REAL.values(), ids=REAL)
def test_what_people_write_stays(written):
    assert text.line(written) == text.prose(written) == text.shown(written) == written


@pytest.mark.parametrize("written", REAL.values(), ids=REAL)
@pytest.mark.parametrize("form", FORMS)
def test_all_forms_of_it_are_the_same(written, form):
    assert text.same(unicodedata.normalize(form, written), written)
    assert text.line(unicodedata.normalize("NFD", written)) == written


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("Cafe\u0301", "Caf\u00e9"),
        ("\u1100\u1161\u11b7", "\uac10"),
        ("\u212b", "\u00c5"),
        ("  \u00a0a\u2003", "a"),
        ("\ufeffa", "a"),
        ("a\u200b", "a"),
        ("\u2060a\u00ad", "a"),
        ("e\u202e\u0301", "\u00e9"),
        ("Bob \u202egnp.exe", "Bob gnp.exe"),
        ("\u2068Ann\u2069 writes", "Ann writes"),
        ("a\u206ab\ufff9c", "abc"),
        ("a\U000e0041\U000e0042b", "ab"),
        ("\U0001f600\U000e0067\U000e007f", "\U0001f600"),
        ("", ""),
        ("\u200b\u200b", ""),
        ("\u200e\u200f \u3164\u2800\ufe0f\u115f", ""),
        ("\U000e0001\U000e0061", ""),
        ("\n a \n", "a"),
    ],
)
def test_a_line_is_stored_composed_and_without_what_hides(given, stored):
    assert text.line(given) == stored


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ("a\x00b", "control_character"),
        ("a\tb", "control_character"),
        ("two\nlines", "control_character"),
        ("a\u2028b", "control_character"),
        ("a\x85b", "control_character"),
        ("a\x9bb", "control_character"),
        ("a\x7fb", "control_character"),
        ("a\ufdd0", "noncharacter"),
        ("a\ufffe", "noncharacter"),
        ("a\U0010ffff", "noncharacter"),
        ("a\ud800", "noncharacter"),
        ("a" + "\u0301" * 31, "too_many_marks"),
        ("a" + "\u0301\u0323" * 100_000, "too_many_marks"),
    ],
)
def test_a_line_is_refused(given, code):
    with pytest.raises(text.TextRefused) as refused:
        text.line(given)
    assert refused.value.code == code
    assert len(str(refused.value)) > 20


def test_a_letter_may_have_thirty_accents():
    assert len(text.line("q" + "\u0301" * 30)) == 31


def test_lines_of_prose_end_alike_and_keep_their_blanks():
    assert text.prose("  a\r\nb\rc\u2028d\u2029e\x85f\n\tg ") == "  a\nb\nc\nd\ne\nf\n\tg "
    with pytest.raises(text.TextRefused):
        text.prose("a\x9bb")


SAME = [
    ("Caf\u00e9", "CAFE\u0301"),
    ("Stra\u00dfe", "STRASSE"),
    ("STRA\u1e9eE", "strasse"),
    ("\ufb01nal", "FINAL"),
    ("\uff34\uff2f\uff2b\uff39\uff2f", "tokyo"),
    ("\u00bd", "1\u20442"),
    ("\u3392", "MHz"),
    ("a\u00a0b", "a b"),
    ("Donau\u00addampf", "donaudampf"),
    ("\u2764\ufe0f", "\u2764"),
    ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u062e\u0648\u0627\u0647\u0645"),
    ("C++\u200e", "c++"),
    ("\u03a3\u0399\u03a3\u03a5\u03a6\u039f\u03a3", "\u03c3\u03b9\u03c3\u03c5\u03c6\u03bf\u03c2"),
    ("\u0130", "i\u0307"),
    ("\u1f80", "\u1f00\u03b9"),
]
OTHER = [
    ("Caf\u00e9", "Cafe"),
    ("\u0130", "i"),
    ("\u0131", "i"),
    (SCOTLAND, ENGLAND),
    ("\u0430", "a"),  # Cyrillic: what only looks alike is no spelling
    ("a b", "ab"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spellings_are_the_same(one, other):
    assert text.same(one, other)
    assert text.distinct([one, other]) == [one]


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_other_texts_are_not(one, other):
    assert not text.same(one, other)
    assert text.distinct([one, other]) == [one, other]


# Marks, joiners, compatible characters and hidden ones come more often than in any text.
ODD = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(
            "aAeE\u0301\u0323\u0345\u0327\u03b1\u1100\u1161\u11a8\uac00\u0130\u0131\u00df\u1e9e\ufb01\uff21\u212b"
        ),
        st.sampled_from("\u200b\u200d\u200c\u200e\u202e\u2066\ufeff\u00ad\u034f\ufe0f\u3164\uffa0"),
        st.sampled_from(" \t\n\r\x00\x85\x9b\u2028"),
        st.sampled_from("\ufdd0\uffff\U0001f3f4\U000e0067\U000e007f\U0001f468"),
    ),
    max_size=40,
)


@given(ODD)
def test_what_is_stored_is_stored_again_as_it_is(given):
    for clean in (text.line, text.prose):
        with suppress(text.TextRefused):
            stored = clean(given)
            assert clean(stored) == stored == text.shown(stored) == unicodedata.normalize("NFC", stored)
            assert not regex.search(
                r"[\p{Bidi_Control}--[\u200e\u200f\u061c]]|[\p{Cc}--[\t\n]]", stored, regex.V1
            )
            assert not regex.search(r"\p{Noncharacter_Code_Point}|\p{Cs}", stored)
            assert not stored or not text.is_blank(stored)


@given(ODD, ODD, ODD)
def test_being_the_same_is_an_equivalence(a, b, c):
    assert text.same(a, a)
    assert text.same(a, b) == text.same(b, a)
    assert not (text.same(a, b) and text.same(b, c)) or text.same(a, c)
    assert text.folded(text.folded(a)) == text.folded(a)


@given(ODD, st.sampled_from(FORMS), st.sampled_from(FORMS))
def test_a_text_is_found_by_any_form_of_a_part_of_it(given, one, other):
    form = unicodedata.normalize
    assert text.folded(form(one, given)) == text.folded(form(other, given))
    word = given.partition(" ")[0]
    assert text.folded(form(one, word)) in text.folded(form(other, given))


@given(ODD)
def test_what_is_shown_holds_nothing_unfit(given):
    shown = text.shown(given)
    assert shown == text.shown(shown)
    assert not regex.search(r"[\p{Cc}--[\t\n\r]]|[\u202a-\u202e\u2066-\u2069]|\p{Cs}", shown, regex.V1)


def test_what_cannot_be_seen_is_what_unicode_ignores():
    ignored = regex.compile(r"\p{Default_Ignorable_Code_Point}")
    tags = range(0xE0020, 0xE0080)
    found = {code for code in range(0x110000) if text.folded(f"a{chr(code)}b") == "ab"}
    assert found == {code for code in range(0x110000) if ignored.match(chr(code)) and code not in tags}
