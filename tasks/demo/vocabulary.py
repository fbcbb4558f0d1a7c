"""The vocabulary of the demo, from ``vocabulary.toml``: categories with their titles, tags and durations."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Category:
    """One category of tasks; the fields are explained at the head of ``vocabulary.toml``."""

    name: str
    home: bool
    lead_hours: float
    spread: float
    started: float
    urgency: list[int]
    tags: list[str]
    templates: list[str]
    slots: dict[str, list[str]]
    checklists: list[list[str]]
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Routine:
    """A recurring task: its title and its RFC 5545 rule."""

    category: str
    title: str
    rule: str


@cache
def _document() -> dict[str, list[dict[str, Any]]]:
    path = Path(__file__).with_name("vocabulary.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def categories() -> tuple[Category, ...]:
    """Return every category, in the file's order."""
    return tuple(Category(**entry) for entry in _document()["categories"])


@cache
def category(name: str) -> Category:
    """Return the category ``name``. Raises KeyError."""
    return {each.name: each for each in categories()}[name]


@cache
def routines() -> tuple[Routine, ...]:
    """Return every routine, in the file's order."""
    return tuple(Routine(**entry) for entry in _document()["routines"])
