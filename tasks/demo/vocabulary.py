"""The demo's words, read from ``vocabulary.toml``: categories with their titles, tags and pace."""

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
    """Something a person does again and again: its title and its RFC 5545 rule."""

    category: str
    title: str
    rule: str


@cache
def _document() -> dict[str, list[dict[str, Any]]]:
    path = Path(__file__).with_name("vocabulary.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def categories() -> tuple[Category, ...]:
    """Every category, in the file's order."""
    return tuple(Category(**entry) for entry in _document()["categories"])


@cache
def category(name: str) -> Category:
    """The category of that name; ``KeyError`` when there is none."""
    return {each.name: each for each in categories()}[name]


@cache
def routines() -> tuple[Routine, ...]:
    """Every routine, in the file's order."""
    return tuple(Routine(**entry) for entry in _document()["routines"])
