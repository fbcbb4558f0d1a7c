"""Edits of tasks: a new priority, a note added later, checklist entries checked one by one."""

from datetime import datetime, timedelta
from math import ceil
from random import Random
from typing import Any

from tasks.demo.activity import Period
from tasks.demo.lifecycle import Lifecycle, Step
from tasks.demo.task_content import PRIORITIES, ContentGenerator, checklist

REPRIORITISED, NOTED_LATER = 0.13, 0.06


class Editor:
    """Adds edits to lifecycles, between creation and completion."""

    def __init__(self, rng: Random, period: Period, content: ContentGenerator) -> None:
        self._rng = rng
        self._period = period
        self._content = content

    def edit(self, life: Lifecycle) -> None:
        """Add the changes that the owner makes while the task is open."""
        if self._rng.random() < REPRIORITISED:
            self._change(life, {"priority": self._other_priority(life)})
        if "description" not in life.fields and self._rng.random() < NOTED_LATER:
            self._change(life, {"description": self._content.note(life.category)})
        if "checklist" in life.fields:
            self._tick(life)

    def _other_priority(self, life: Lifecycle) -> str:
        """Return the priority one level up or down; more often up."""
        index = PRIORITIES.index(life.fields["priority"])
        step = self._rng.choice((1, 1, -1))
        return PRIORITIES[index + (step if 0 <= index + step < len(PRIORITIES) else -step)]

    def _tick(self, life: Lifecycle) -> None:
        """Check entries from the top, in one to three edits."""
        texts = [item["text"] for item in life.fields["checklist"]]
        wanted = [
            self._moment(life, self._rng.uniform(0.1, 0.95)) for _ in range(self._rng.choice((1, 2, 3)))
        ]
        moments = sorted(moment for moment in wanted if moment)
        for sitting, at in enumerate(moments, start=1):
            ticked = ceil(len(texts) * sitting / len(wanted))
            life.add(Step(at, "update", {"checklist": checklist(texts, ticked)}))

    def _change(self, life: Lifecycle, changes: dict[str, Any]) -> None:
        at = self._moment(life, self._rng.uniform(0.05, 0.9))
        if at is not None:
            life.add(Step(at, "update", changes))

    def _moment(self, life: Lifecycle, share: float) -> datetime | None:
        """Return the moment at ``share`` of the time the task is open; None if the owner is not active then."""
        end = life.settled or min(self._period.now, life.created + timedelta(days=40))
        return life.moment_before_end(self._rng, life.created + (end - life.created) * share)
