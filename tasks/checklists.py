"""Checklists as text, one line an entry, the way people type them: ``[x] Milk``."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from store.text import canonical
from tasks.fields import CHECKLIST_MAX

# The beginning of a line. Nothing in it can match the same characters in two ways, so that the time it takes only grows
# with the length of the line.
_MARKS = re.compile(r"(?:[-*]\s+)?(?:\[(?P<done>[ xX]?)\]\s*)?")

Entry = Mapping[str, Any]


def to_text(checklist: Iterable[Entry]) -> str:
    """Return one line for each entry: ``[x]`` if it is done, else ``[ ]``, and its text."""
    return "\n".join(f"[{'x' if entry['done'] else ' '}] {entry['text']}" for entry in checklist)


def lines(text: str) -> list[tuple[bool, str]]:
    """Return for each non-blank line whether it is done, and its text."""
    found = []
    for line in map(str.lstrip, text.split("\n")):
        marks = _MARKS.match(line)
        if marks and (entry := line[marks.end() :].strip()):
            found.append(((marks["done"] or "").lower() == "x", entry))
    return found


def parse(text: str, before: Sequence[Entry] = ()) -> list[dict[str, Any]]:
    """Return the entries of a checklist written as ``text``.

    A line keeps the id of the entry of ``before`` with the same text. If the number of entries is unchanged, the other
    lines count as reworded and take the remaining ids in order. Entries without an id get one when they are saved.
    More lines than a checklist may have are not compared: they are refused.
    """
    wanted = lines(text)
    left = list(before) if len(wanted) <= CHECKLIST_MAX else []
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
