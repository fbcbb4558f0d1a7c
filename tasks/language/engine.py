"""Reads phrases: a grammar is a text of rules, one a line, and a phrase is a run of words that a rule matches.

    symbol : pattern [-> action [name=constant ...]]

A pattern is a row of words (``next|this``), classes of words and other symbols (``<weekday>``), parts that may be
missing (``[of the]``) and parts that may come again (``{, <weekday:days+>}``). ``<class:name>`` captures the value of
the word under another name, ``<class:name+>`` adds it to the values captured before, ``<symbol.day:start>`` takes one
capture out of a symbol, and ``<symbol>`` takes all of them. The action makes something else of the captures, or refuses
them with None. No symbol contains itself, so a rule is only so deep, and every symbol is read once at every word: what
a line costs is counted in steps and has an end.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from store.steps import Steps

Captures = dict[str, Any]
Actions = Callable[[str], Callable[..., Captures | None]]

# An ordinary line takes under a thousand steps, the worst that a search found 31,000.
MAX_STEPS = 75_000
MAX_REPETITIONS = 31
_SYNTAX = re.compile(r"[\[\]{}]|<(\w+)(?:\.(\w+))?(?::(\w+)(\+)?)?>|[^\s\[\]{}<>]+")


class Element(NamedTuple):
    """One element of a pattern: ``kind`` is word, class, symbol, maybe or again."""

    kind: str
    bits: int = 0
    name: str = ""
    key: str = ""
    target: str = ""
    adds: bool = False
    row: "Row" = ()


Row = tuple[Element, ...]


class Rule(NamedTuple):
    """A compiled rule; ``first`` has the bits of the words that it can begin with."""

    row: Row
    action: str
    constants: Captures
    first: int


class Token(NamedTuple):
    """A word as the grammar sees it: the bits of what it is, and its value in each class that it belongs to."""

    bits: int
    values: Mapping[str, Any]


NOTHING = Token(0, {})


class Grammar:
    """The compiled rules of one language.

    Parameters
    ----------
    text
        The rules.
    classes
        The names of the classes of words.
    """

    def __init__(self, text: str, classes: Sequence[str]) -> None:
        self.bits = {name: 1 << place for place, name in enumerate(classes)}
        self.words: dict[str, int] = {}
        lines = [line.partition("#")[0].strip() for line in text.splitlines()]
        self._sources: dict[str, list[tuple[str, str]]] = {}
        for line in filter(None, lines):
            head, _, body = line.partition(" : ")
            pattern, _, action = body.partition("->")
            self._sources.setdefault(head.strip(), []).append((pattern, action.strip()))
        self.rules: dict[str, tuple[Rule, ...]] = {}
        self.actions: set[str] = set()
        for symbol in self._sources:
            self._compile(symbol, ())

    def _compile(self, symbol: str, inside: tuple[str, ...]) -> None:
        if symbol in inside:
            raise ValueError(f"{symbol} contains itself")
        if symbol in self.rules:
            return
        rules = []
        for pattern, action in self._sources.get(symbol, ()):
            row = self._row(_SYNTAX.finditer(pattern), (*inside, symbol))
            name, *constants = action.split() or [""]
            given = dict(_constant(constant) for constant in constants)
            rules.append(Rule(row, name, given, self._first(row)))
            self.actions |= {name} if name else set()
        self.rules[symbol] = tuple(rule for rule in rules if rule.first)

    def _row(self, syntax: Iterator[re.Match[str]], inside: tuple[str, ...]) -> Row:
        row: list[Element] = []
        for match in syntax:
            if match[0] in "]}":
                break
            if match[0] in "[{":
                row.append(Element("maybe" if match[0] == "[" else "again", row=self._row(syntax, inside)))
            elif match[1]:
                kind = "class" if match[1] in self.bits else "symbol"
                if kind == "symbol":
                    self._compile(match[1], inside)
                bits = self.bits.get(match[1], 0)
                row.append(Element(kind, bits, match[1], match[2] or "", match[3] or "", bool(match[4])))
            else:
                row.append(Element("word", self._word_bits(match[0])))
        return tuple(row)

    def _word_bits(self, alternatives: str) -> int:
        bits = 0
        for word in alternatives.split("|"):
            bits |= self.words.setdefault(word, 1 << (len(self.bits) + len(self.words)))
        return bits

    def _first(self, row: Row) -> int:
        bits = 0
        for element in row:
            if element.kind == "symbol":
                own = [rule.first for rule in self.rules.get(element.name, ())]
                if not own:
                    return bits
                for first in own:
                    bits |= first
            elif element.row:
                bits |= self._first(element.row)
            else:
                bits |= element.bits
            if element.kind not in {"maybe", "again"}:
                return bits
        return bits


def _constant(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    return name, int(value) if value.lstrip("-").isdigit() else value


class Reading:
    """Reads the phrases of one line."""

    def __init__(self, grammar: Grammar, tokens: Sequence[Token], actions: Actions, steps: Steps) -> None:
        self._grammar, self._tokens, self._actions, self._steps = grammar, tokens, actions, steps
        self._read: dict[tuple[str, int], dict[int, Captures]] = {}
        self.length = len(tokens)

    def begins(self, at: int) -> bool:
        """Tell whether any phrase could begin at word ``at``."""
        return bool(self._tokens[at].bits)

    def longest(self, symbol: str, at: int) -> tuple[int, Captures] | None:
        """Return where the longest ``symbol`` that begins at word ``at`` ends, and what was captured."""
        found = self.phrases(symbol, at)
        return max(found.items(), key=lambda phrase: phrase[0]) if found else None

    def phrases(self, symbol: str, at: int) -> dict[int, Captures]:
        """Return every end of a ``symbol`` that begins at word ``at`` with its captures: those of the first rule."""
        if (found := self._read.get((symbol, at))) is not None:
            return found
        found = self._read[symbol, at] = {}
        bits = self._tokens[at].bits if at < len(self._tokens) else 0
        for rule in self._grammar.rules.get(symbol, ()):
            if rule.first & bits:
                for end, captures in self._row(rule.row, 0, at):
                    if end > at and end not in found:
                        meaning = self._meaning(rule, captures)
                        if meaning is not None:
                            found[end] = meaning
        return found

    def _meaning(self, rule: Rule, captures: Captures) -> Captures | None:
        captures = rule.constants | captures
        return self._actions(rule.action)(**captures) if rule.action else captures

    def _row(self, row: Row, place: int, at: int) -> Iterator[tuple[int, Captures]]:
        self._steps.spend()
        if place == len(row):
            yield at, {}
            return
        for middle, first in self._element(row[place], at):
            for end, others in self._row(row, place + 1, middle):
                yield end, _merged(first, others)

    def _element(self, element: Element, at: int) -> Iterator[tuple[int, Captures]]:
        if element.kind == "maybe":
            yield from self._row(element.row, 0, at)
            yield at, {}
        elif element.kind == "again":
            yield self._again(element.row, at)
        elif element.kind == "symbol":
            for end, captures in self.phrases(element.name, at).items():
                if not element.key:
                    yield end, captures
                elif element.key in captures:
                    yield end, {element.target or element.key: captures[element.key]}
        elif at < len(self._tokens) and self._tokens[at].bits & element.bits:
            yield at + 1, self._captured(element, at)

    def _captured(self, element: Element, at: int) -> Captures:
        if element.kind == "word":
            return {}
        value = self._tokens[at].values[element.name]
        return {element.target or element.name: (value,) if element.adds else value}

    def _again(self, row: Row, at: int) -> tuple[int, Captures]:
        captures: Captures = {}
        for _ in range(MAX_REPETITIONS):
            end, more = max(self._row(row, 0, at), key=lambda found: found[0], default=(at, {}))
            if end == at:
                break
            at, captures = end, _merged(captures, more)
        return at, captures


def _merged(first: Captures, others: Captures) -> Captures:
    """Return both captures: tuples under one name add up, of anything else the later one counts."""
    both = first | others
    for name in first.keys() & others.keys():
        if isinstance(first[name], tuple) and isinstance(others[name], tuple):
            both[name] = first[name] + others[name]
    return both
