"""Checklists as text, one line an entry, the way people type them: ``[x] Milk``."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from store.text import canonical

_LINE = re.compile(r"\s*(?:[-*]\s+)?(?:\[(?P<done>[ xX]?)\]\s*)?(?P<text>.*?)\s*")
Entry = Mapping[str, Any]


def to_text(checklist: Iterable[Entry]) -> str:
    """Return one line for each entry: ``[x]`` if it is done, else ``[ ]``, and its text."""
    return "\n".join(f"[{'x' if entry['done'] else ' '}] {entry['text']}" for entry in checklist)


def lines(text: str) -> list[tuple[bool, str]]:
    """Return for each non-blank line whether it is done, and its text."""
    found = []
    for line in text.replace("\r\n", "\n").split("\n"):
        match = _LINE.fullmatch(line)
        if match and match["text"]:
            found.append(((match["done"] or "").lower() == "x", match["text"]))
    return found


def parse(text: str, before: Sequence[Entry] = ()) -> list[dict[str, Any]]:
    """Return the entries of a checklist written as ``text``.

    A line keeps the id of the entry of ``before`` with the same text. If the number of entries is unchanged, the other
    lines count as reworded and take the remaining ids in order. Entries without an id get one when they are saved.
    """
    wanted = lines(text)
    left = list(before)
    entries: list[dict[str, Any]] = []
    for done, line in wanted:
        entry: dict[str, Any] = {"text": line, "done": done}
        same = next((old for old in left if canonical(old["text"]) == canonical(line)), None)
        if same:
            left.remove(same)
            entry["id"] = same["id"]
        entries.append(entry)
    if len(wanted) == len(before):
        for entry in entries:
            if "id" not in entry:
                entry["id"] = left.pop(0)["id"]
    return entries
