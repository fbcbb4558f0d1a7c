"""Searches for the input of a parser that costs most steps, and keeps the worst as files.

The search mutates: it takes an input that cost much or a seed, cuts, doubles, swaps and inserts pieces, words of the
parser's vocabulary among them, and keeps the result if it is among the costliest. Of inputs that cost the same it keeps
the shortest, so that what it keeps differs. Equal seeds and numbers of inputs make equal searches.

What an input costs is what the ``Steps`` counters count while the parser reads it. The search fails if a counter
reaches its limit, if all of them together count more than ``Parser.bound``, or if the code raises what is no refusal.

To add a parser, add a ``Parser`` to ``PARSERS`` in ``tests/fuzz/parsers.py``. The code that it calls must count with
``Steps``, once for each row, token or byte that it does work for: the search cannot find what is not counted. Then
write its files with ``FUZZ_INPUTS=50000 pytest -s tests/fuzz -m long -k NAME`` and commit them; ``make test`` reads
them again.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple
from unittest import mock

from store.steps import Steps

FILES = Path(__file__).resolve().parent.parent / "data" / "costliest"
KEPT = 25
# Inputs longer than this are cut: code refuses or cuts what is longer than its own limits without reading it.
MAX_LENGTH = 4000
_PIECE = re.compile(r"\w+|\s+|[^\w\s]")
_BREEDING = 200


class Parser(NamedTuple):
    """What is searched.

    Attributes
    ----------
    name
        The folder of its files.
    read
        Calls the code with an input. It returns normally where the code refuses the input as it should.
    seeds
        Inputs to begin with, as people write them.
    words
        What inputs are made of, for the search to insert.
    bound
        The steps that reading one input may take, all counters together.
    refuses
        Whether the code may use up a counter: it then refuses the input, or does with less.
    """

    name: str
    read: Callable[[str], object]
    seeds: Sequence[str]
    words: Sequence[str]
    bound: int
    refuses: bool = False


class Cost(NamedTuple):
    """What an input costs: ``steps`` of all counters, and the fullest counter in parts of its limit."""

    steps: int
    share: float


class Found(NamedTuple):
    """What a search found: the costliest inputs, the costliest first, and the fullest counter of all inputs."""

    worst: list[tuple[Cost, str]]
    share: float
    inputs: int


@contextmanager
def _counters() -> Iterator[list[Steps]]:
    """Collect the counters that are made meanwhile."""
    made: list[Steps] = []
    begin = Steps.__init__

    def noted(self: Steps, limit: int) -> None:
        begin(self, limit)
        made.append(self)

    with mock.patch.object(Steps, "__init__", noted):
        yield made


def cost(parser: Parser, text: str) -> Cost:
    """Return what it costs to read ``text``. Raises AssertionError at a bound, and what ``read`` raises."""
    with _counters() as counters:
        parser.read(text)
    steps = sum(counter.taken for counter in counters)
    share = max((min(1.0, counter.taken / counter.limit) for counter in counters), default=0.0)
    assert share < 1 or parser.refuses, f"{parser.name}: {text!r} uses up a counter"
    assert steps <= parser.bound, f"{parser.name}: {text!r} takes {steps} steps, {parser.bound} at most"
    return Cost(steps, share)


def search(parser: Parser, inputs: int, seed: int, begin: Sequence[str] = ()) -> Found:
    """Read ``inputs`` inputs, bred from the parser's seeds and from those of ``begin``, for the costliest."""
    random = Random(seed)
    # By their cost: one input of each.
    kept: dict[int, tuple[Cost, str]] = {}
    fullest, seen = 0.0, set()
    texts = iter([*begin, *parser.seeds])
    for _ in range(inputs):
        text = next(texts, None)
        if text is None:
            text = _child(random, parser, [each for _cost, each in _costliest(kept)])
        if text in seen:
            continue
        seen.add(text)
        found = cost(parser, text)
        fullest = max(fullest, found.share)
        known = kept.get(found.steps)
        if known is None or len(text) < len(known[1]):
            kept[found.steps] = (found, text)
            if len(kept) > _BREEDING:
                del kept[min(kept)]
    return Found(_costliest(kept)[:KEPT], fullest, inputs)


def _costliest(kept: dict[int, tuple[Cost, str]]) -> list[tuple[Cost, str]]:
    return [kept[steps] for steps in sorted(kept, reverse=True)]


def _child(random: Random, parser: Parser, worst: Sequence[str]) -> str:
    """Return a new input made of one that cost much, mostly of one of the first, or of a seed."""
    bred = random.random() < 0.85
    text = worst[int(len(worst) * random.random() ** 3)] if bred else random.choice(parser.seeds)
    for _ in range(random.randint(1, 4)):
        text = random.choice(_CHANGES)(random, text, parser, worst)
    return text[:MAX_LENGTH]


def _cut(random: Random, text: str, parser: Parser, worst: Sequence[str]) -> str:
    pieces = _PIECE.findall(text)
    begin, end = _span(random, pieces)
    return "".join(pieces[:begin] + pieces[end:])


def _double(random: Random, text: str, parser: Parser, worst: Sequence[str]) -> str:
    pieces = _PIECE.findall(text)
    begin, end = _span(random, pieces)
    return "".join(pieces[:begin] + pieces[begin:end] * random.choice([2, 2, 3, 10]) + pieces[end:])


def _swap(random: Random, text: str, parser: Parser, worst: Sequence[str]) -> str:
    pieces = _PIECE.findall(text)
    if len(pieces) > 1:
        one, other = random.randrange(len(pieces)), random.randrange(len(pieces))
        pieces[one], pieces[other] = pieces[other], pieces[one]
    return "".join(pieces)


def _insert(random: Random, text: str, parser: Parser, worst: Sequence[str]) -> str:
    pieces = _PIECE.findall(text)
    at, gap = random.randint(0, len(pieces)), random.choice(["", " "])
    return "".join([*pieces[:at], gap, random.choice(parser.words), gap, *pieces[at:]])


def _replace(random: Random, text: str, parser: Parser, worst: Sequence[str]) -> str:
    pieces = _PIECE.findall(text) or [""]
    at = random.randrange(len(pieces))
    number = str(random.randint(0, 10 ** random.randint(1, 4)))
    pieces[at] = number if pieces[at].isdecimal() else random.choice(parser.words)
    return "".join(pieces)


def _join(random: Random, text: str, parser: Parser, worst: Sequence[str]) -> str:
    other = random.choice(worst)
    return text[: random.randint(0, len(text))] + other[random.randint(0, len(other)) :]


def _any_letter(random: Random, text: str, parser: Parser, worst: Sequence[str]) -> str:
    at = random.randint(0, len(text))
    return (
        text[:at]
        + chr(random.choice([random.randint(32, 126), random.randint(128, 0x2FFF)]))
        + text[at + 1 :]
    )


_CHANGES = (_cut, _double, _double, _swap, _insert, _insert, _replace, _replace, _join, _any_letter)


def _span(random: Random, pieces: Sequence[str]) -> tuple[int, int]:
    begin = random.randint(0, len(pieces))
    return begin, min(len(pieces), begin + random.choice([1, 1, 2, 4, 8, 30]))


# --- Files ---------------------------------------------------------------------------------------------------


def kept_inputs(parser: Parser) -> list[str]:
    """Return the inputs of the parser's files."""
    files = sorted((FILES / parser.name).glob("*.txt"))
    return [file.read_bytes().decode() for file in files]


def keep(parser: Parser, found: Found) -> None:
    """Write the costliest inputs as the parser's files, in place of those that are there."""
    folder = FILES / parser.name
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.txt"):
        file.unlink()
    for number, (_cost, text) in enumerate(found.worst, 1):
        (folder / f"{number:02}.txt").write_bytes(text.encode())
