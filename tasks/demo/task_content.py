"""The content of a task: title, note, tags and checklist, drawn from the vocabulary of its category."""

from random import Random
from string import Formatter
from typing import Any

from tasks.demo.vocabulary import Category

PRIORITIES = ("low", "medium", "high", "urgent")
TRIES = 30
TAGGED, NOTED, LISTED, TIMED, UNCATEGORISED = 0.6, 0.22, 0.13, 0.09, 0.04


class ContentGenerator:
    """Generates the content of tasks, and avoids using a title twice."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._used: set[str] = set()

    def fields(self, category: Category) -> dict[str, Any]:
        """Return the fields of a new task without its dates; optional ones are absent, not None."""
        rng = self._rng
        fields: dict[str, Any] = {"title": self.title(category)}
        fields["priority"] = rng.choices(PRIORITIES, category.urgency)[0]
        if rng.random() >= UNCATEGORISED:
            fields["category"] = category.name
        if rng.random() < TAGGED:
            fields["tags"] = sorted(rng.sample(category.tags, rng.choice((1, 1, 2))))
        if rng.random() < NOTED:
            fields["description"] = self.note(category)
        if rng.random() < LISTED:
            fields["checklist"] = checklist(rng.choice(category.checklists))
        return fields

    def title(self, category: Category) -> str:
        """Return a title that was not used before, as far as the vocabulary allows."""
        title = ""
        for _ in range(TRIES):
            title = self._fill(self._rng.choice(category.templates), category)
            if title not in self._used:
                break
        self._used.add(title)
        return title

    def note(self, category: Category) -> str:
        """Return a description in Markdown."""
        return self._rng.choice(category.notes)

    def _fill(self, template: str, category: Category) -> str:
        slots = [name for _, name, _, _ in Formatter().parse(template) if name]
        return template.format(**{name: self._rng.choice(category.slots[name]) for name in slots})


def checklist(texts: list[str], ticked: int = 0) -> list[dict[str, Any]]:
    """Return checklist entries with these texts, the first ``ticked`` of them done."""
    return [
        {"id": f"item-{number}", "text": text, "done": number <= ticked}
        for number, text in enumerate(texts, start=1)
    ]
