"""The lifecycle of a task: created, started, completed, reopened, cancelled, deleted, restored."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, Literal

from tasks.demo.activity import CLEAN_UP, LAUNCH, Diary, Period
from tasks.demo.vocabulary import Category

Verb = Literal["create", "update", "delete", "restore"]
Fate = Literal["done", "cancelled", "deleted", "linger"]
FATES: tuple[Fate, ...] = ("done", "cancelled", "deleted", "linger")
FATE_WEIGHTS = (59, 5, 6, 30)
REOPENED, FINISHED_AGAIN = 0.06, 0.85
LAUNCH_STRETCH = 1.7
CLEANED_UP = 0.6
# The trash keeps a task for 30 days. Only deletions that are recent in real time are followed by a restoration, so
# that a load that is resumed later still finds the task.
RESTORABLE = timedelta(days=25)
RESTORED, BY_MISTAKE = 0.6, 0.05


@dataclass(slots=True)
class Step:
    """One write of a task; ``changes`` are the written fields."""

    at: datetime
    verb: Verb
    changes: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Lifecycle:
    """All writes of one task; the first step creates it."""

    diary: Diary
    category: Category
    steps: list[Step]

    @property
    def created(self) -> datetime:
        """Return the time of the first step."""
        return self.steps[0].at

    @property
    def fields(self) -> dict[str, Any]:
        """Return the fields that the task is created with."""
        return self.steps[0].changes

    @property
    def status(self) -> str:
        """Return the status after the last step; ``deleted`` if the task is in the trash."""
        if self.steps[-1].verb == "delete":
            return "deleted"
        statuses = (step.changes["status"] for step in reversed(self.steps) if "status" in step.changes)
        return str(next(statuses, "pending"))

    @property
    def is_open(self) -> bool:
        """Return whether the task is open."""
        return self.status in {"pending", "in_progress"}

    @property
    def settled(self) -> datetime | None:
        """Return the time it was first completed, cancelled or deleted, if any."""
        return next((step.at for step in self.steps if _settles(step)), None)

    def moment_before_end(self, rng: Random, target: datetime) -> datetime | None:
        """Return a moment near ``target`` at which the owner can edit the task; None if it is closed by then."""
        at = self.diary.settle(rng, target, self.created, home=self.category.home)
        ended = self.settled
        return at if at and (ended is None or at < ended) else None

    def add(self, step: Step) -> None:
        """Insert a step in time order."""
        self.steps.append(step)
        self.steps.sort(key=lambda each: each.at)


def _settles(step: Step) -> bool:
    return step.verb == "delete" or step.changes.get("status") in {"completed", "cancelled"}


class LifecycleGenerator:
    """Generates the lifecycles of tasks within a period."""

    def __init__(self, rng: Random, period: Period) -> None:
        self._rng = rng
        self._period = period

    def fate(self) -> Fate:
        """Return a random fate of a task."""
        return self._rng.choices(FATES, FATE_WEIGHTS)[0]

    def life(
        self, diary: Diary, category: Category, created: datetime, fields: dict[str, Any], fate: Fate
    ) -> Lifecycle:
        """Return the lifecycle of a task up to now; without steps for which its owner is not active."""
        life = Lifecycle(diary, category, [Step(created, "create", fields)])
        steps = {"done": self._do, "cancelled": self._cancel, "deleted": self._delete, "linger": self._linger}
        steps[fate](life, self._lead(category, diary.local_day(created)))
        return life

    def _lead(self, category: Category, day: date) -> timedelta:
        """Return the time to completion: log-normal, and longer during the launch."""
        hours = category.lead_hours * self._rng.lognormvariate(0.0, category.spread)
        if self._period.within(day, LAUNCH) and not category.home:
            hours *= LAUNCH_STRETCH
        return timedelta(hours=hours)

    def _do(self, life: Lifecycle, lead: timedelta) -> None:
        if life.created > self._period.now - RESTORABLE and self._rng.random() < BY_MISTAKE:
            self._undo(life, lead)
        self._start(life, lead, life.category.started)
        if self._then(life, life.created + lead, status="completed") and self._rng.random() < REOPENED:
            self._reopen(life)

    def _reopen(self, life: Lifecycle) -> None:
        status = self._rng.choice(("pending", "in_progress"))
        moment = life.steps[-1].at + timedelta(hours=self._rng.uniform(1, 70))
        if self._then(life, moment, status=status) and self._rng.random() < FINISHED_AGAIN:
            hours = self._rng.lognormvariate(3.0, 0.8)
            self._then(life, life.steps[-1].at + timedelta(hours=hours), status="completed")

    def _cancel(self, life: Lifecycle, lead: timedelta) -> None:
        self._start(life, lead, life.category.started * 0.4)
        self._then(life, life.created + lead * self._rng.uniform(0.6, 3.0), status="cancelled")

    def _delete(self, life: Lifecycle, lead: timedelta) -> None:
        if not self._then(life, life.created + lead * self._rng.uniform(0.1, 1.5), "delete"):
            return
        deleted = life.steps[-1].at
        if deleted < self._period.now - RESTORABLE or self._rng.random() > RESTORED:
            return
        if self._then(life, deleted + timedelta(hours=self._rng.uniform(0.02, 18)), "restore"):
            self._then(life, life.steps[-1].at + lead, status="completed")

    def _undo(self, life: Lifecycle, lead: timedelta) -> None:
        """Delete the task by mistake, and restore it within minutes."""
        if self._then(life, life.created + lead * self._rng.uniform(0.05, 0.3), "delete"):
            at = life.steps[-1].at + timedelta(seconds=self._rng.uniform(4, 200))
            if at < self._period.now:
                life.steps.append(Step(at, "restore"))
            else:
                life.steps.pop()

    def _linger(self, life: Lifecycle, lead: timedelta) -> None:
        self._start(life, lead, 0.3 if life.category.home else 0.45)
        day = self._period.at(self._rng.uniform(*CLEAN_UP[:2]))
        moment = datetime.combine(day, time(8, 30), UTC)
        if moment < life.steps[-1].at + timedelta(days=10) or self._rng.random() > CLEANED_UP:
            return
        end = self._rng.choices(("completed", "cancelled", "trash"), (55, 25, 20))[0]
        if end == "trash":
            self._then(life, moment, "delete")
        else:
            self._then(life, moment, status=end)

    def _start(self, life: Lifecycle, lead: timedelta, share: float) -> None:
        if self._rng.random() < share:
            self._then(life, life.created + lead * self._rng.uniform(0.1, 0.6), status="in_progress")

    def _then(self, life: Lifecycle, target: datetime, verb: Verb = "update", **changes: str) -> bool:
        """Add the next step near ``target``; return False if it would be after the end of the period."""
        at = life.diary.settle(self._rng, target, life.steps[-1].at, home=life.category.home)
        if at is None:
            return False
        life.steps.append(Step(at, verb, dict(changes)))
        return True
