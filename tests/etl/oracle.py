"""Every figure of Gold by brute force: plain Python over the whole history, day by day and item by item.

Written from the definitions, not from the SQL: no running sums, no windows, no shared staging. Only what is looked up
often is indexed, so that it still ends for some hundred thousand changes.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import chain, zip_longest
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from tests.etl.world import Change

OPEN = ("pending", "in_progress")
STATUSES = (*OPEN, "completed", "cancelled")
PRIORITIES = ("low", "medium", "high", "urgent")
TIMES = ("created_at", "updated_at", "completed_at", "deleted_at")
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
Row = tuple[Any, ...]
Image = dict[str, Any]


def moment(text: Any) -> datetime | None:
    """An ISO 8601 text as aware UTC, without an offset too; None for anything else."""
    try:
        told = datetime.fromisoformat(text)
        return told.replace(tzinfo=UTC) if told.tzinfo is None else told.astimezone(UTC)
    except (TypeError, ValueError):
        return None


def believed(text: Any, at: datetime) -> datetime | None:
    """A time of an item; None where no clock can have said it when the item changed, at that time."""
    told = moment(text)
    return told if told is not None and EARLIEST <= told <= at + timedelta(days=1) else None


def due(item: dict[str, Any]) -> date | None:
    try:
        found = date.fromisoformat(item.get("due_date"))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return found if found.year >= 1900 else None


def version(item: dict[str, Any]) -> int | None:
    """A version is a whole number of at most 18 digits; anything else is none."""
    text = str(item.get("version"))
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


def status(item: dict[str, Any]) -> str:
    found = item.get("status")
    return "unknown" if found is None else found


def category(item: dict[str, Any]) -> str:
    return item.get("category") or "(none)"


# In this order: the first that has a value outside its domain is the reason why a row cannot be used.
_FITS: dict[str, tuple[str, Callable[[Image], bool]]] = {
    "version": ("TASK USER TRASH", lambda item: version(item) is not None),
    "created_at": ("TASK USER TRASH", lambda item: moment(item["created_at"]) is not None),
    "updated_at": ("TASK USER TRASH", lambda item: moment(item["updated_at"]) is not None),
    "email": ("USER", lambda item: isinstance(item["email"], str)),
    "name": ("USER", lambda item: isinstance(item["name"], str)),
    "status": ("TASK TRASH", lambda item: item["status"] in STATUSES),
    "priority": ("TASK TRASH", lambda item: item["priority"] in PRIORITIES),
    "title": ("TASK TRASH", lambda item: isinstance(item["title"], str)),
    "category": ("TASK TRASH", lambda item: isinstance(item["category"], str)),
    "tags": ("TASK TRASH", lambda item: isinstance(item["tags"], list | set)),
    "due_date": ("TASK TRASH", lambda item: due(item) is not None),
    "completed_at": ("TASK TRASH", lambda item: moment(item["completed_at"]) is not None),
    "deleted_at": ("TASK TRASH", lambda item: moment(item["deleted_at"]) is not None),
}

# Empty, they are missing; an empty title or category is one.
_EMPTY = ("status", "priority", "due_date", "version", "tags", *TIMES)


def misfits(image: Image, kind: str) -> list[str]:
    """Attributes of an item whose values lie outside their domain."""
    return [
        name
        for name, (kinds, fits) in _FITS.items()
        if kind in kinds.split() and _given(image.get(name)) and not fits(image)
    ]


def _given(value: Any) -> bool:
    return value is not None and value != ""


def kind_of(change: Change) -> str:
    return change.pk.partition("#")[0]


def flaw(change: Change) -> str | None:
    """Why a change cannot be used; None if it can, as every removal."""
    wrong = misfits(change.new, kind_of(change)) if change.new else []
    return f"bad_{wrong[0]}" if wrong else None


def typed(image: Image, change: Change) -> Image:
    """An item without the values that nobody can use: those outside their domain, and made-up times."""
    wrong = misfits(image, kind_of(change))
    made_up = [name for name in TIMES if believed(image.get(name), change.at) is None]
    return {
        name: value
        for name, value in image.items()
        if name not in wrong and name not in made_up and (value != "" or name not in _EMPTY)
    }


def usable(history: Iterable[Change]) -> list[Change]:
    return [change for change in history if flaw(change) is None]


def is_change(change: Change) -> bool:
    """Whether more than index keys was written."""
    return change.name != "MODIFY" or change.old != change.new


def counted(history: Iterable[Change]) -> Iterator[Change]:
    """The changes that figures are made of, each item as far as its values can be used."""
    good = usable(history)
    changed = {(change.pk, change.sk) for change in good if is_change(change)}
    for change in good:
        if is_change(change) or (change.pk, change.sk) not in changed:
            old, new = (image and typed(image, change) for image in (change.old, change.new))
            yield replace(change, old=old, new=new)


@dataclass(slots=True)
class Deed:
    """A business change: a record of a task or profile with its business time."""

    change: Change
    at: datetime
    day: date
    hour: int
    first_of_life: bool
    user: str

    @property
    def is_task(self) -> bool:
        return self.change.pk.startswith("TASK#")

    @property
    def before(self) -> str | None:
        return _status(self.change.old)

    @property
    def after(self) -> str | None:
        return _status(self.change.new)


def _status(image: dict[str, Any] | None) -> str | None:
    return None if image is None else status(image)


class Oracle:
    def __init__(self, history: Iterable[Change], today: date, timezone: str) -> None:
        self.history = list(counted(history))
        self.today = today
        self.zone = ZoneInfo(timezone)
        self.thrown_away: dict[tuple[str, str, Any], Change] = {}
        for change in self.history:
            if change.pk.startswith("TRASH#") and change.new is not None and change.name == "INSERT":
                self.thrown_away.setdefault((change.pk, change.sk, version(change.new)), change)
        self.deeds = self._deeds()
        self.of_item = _grouped(self.deeds, lambda deed: (deed.change.pk, deed.change.sk))
        self.of_user = _grouped(self.deeds, lambda deed: deed.user)
        self.of_day = _grouped(self.deeds, lambda deed: deed.day)
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        for change in self.history:
            if change.new is None:
                self.items.pop((change.pk, change.sk), None)
            else:
                self.items[change.pk, change.sk] = change.new

    # -- business changes ----------------------------------------------------------------------------------------

    def _deeds(self) -> list[Deed]:
        deeds = []
        latest: dict[tuple[str, str], datetime] = {}
        for change in chain.from_iterable(map(self._steps, self.history)):
            key = (change.pk, change.sk)
            kind, _, user = change.pk.partition("#")
            if kind not in ("TASK", "USER"):
                continue
            restored = (version(change.new or {}) or 0) > 1 or key in latest
            at = max(self._time(change), latest.get(key, datetime.min.replace(tzinfo=UTC)))
            latest[key] = at
            local = at.astimezone(self.zone)
            deeds.append(
                Deed(change, at, local.date(), local.hour, change.name == "INSERT" and not restored, user)
            )
        return deeds

    def _steps(self, change: Change) -> list[Change]:
        """An imported task was created, and completed, when it says so: two changes instead of one."""
        image = change.new or {}
        created, completed = moment(image.get("created_at")), moment(image.get("completed_at"))
        is_task = change.pk.startswith("TASK#") and change.name == "INSERT" and version(image) == 1
        if not is_task or created is None or created >= self._time(change):
            return [change]
        was_done = status(image) == "completed" and completed is not None
        begun = image | {"updated_at": image["created_at"]} | ({"status": "pending"} if was_done else {})
        steps = [replace(change, new=begun)]
        if was_done:
            done = image | {"updated_at": image["completed_at"], "version": 2}
            steps.append(replace(change, event_id=f"{change.event_id}+", name="MODIFY", old=begun, new=done))
        return steps

    def _time(self, change: Change) -> datetime:
        if change.name == "REMOVE":
            return self._deleted_at(change)
        image, old = change.new or {}, change.old or {}
        told = moment(image.get("updated_at"))
        if change.name == "INSERT":
            told = told or moment(image.get("created_at"))
        elif image.get("updated_at") == old.get("updated_at") and not _newer(image, old):
            told = None
        return told or change.at

    def _deleted_at(self, change: Change) -> datetime:
        kind, _, user = change.pk.partition("#")
        number = version(change.old or {})
        if kind == "TASK" and number is not None:
            twin = self.thrown_away.get((f"TRASH#{user}", change.sk, number + 1))
            if twin is not None and twin.new is not None:
                return moment(twin.new.get("deleted_at") or twin.new.get("updated_at")) or twin.at
        return change.at

    # -- helpers -------------------------------------------------------------------------------------------------

    @property
    def days(self) -> list[date]:
        seen = [deed.day for deed in self.deeds]
        first, last = min([*seen, self.today]), max([*seen, self.today])
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def task_deeds(self) -> list[Deed]:
        return [deed for deed in self.deeds if deed.is_task]

    def standing(self) -> Iterator[tuple[date, dict[tuple[str, str], dict[str, Any]]]]:
        """Every day with the items as they were at its end."""
        state: dict[tuple[str, str], dict[str, Any]] = {}
        for day in self.days:
            for deed in self.of_day.get(day, ()):
                key = (deed.change.pk, deed.change.sk)
                state.pop(key, None)
                if deed.change.new is not None:
                    state[key] = deed.change.new
            yield day, state

    def live(self, kind: str) -> dict[tuple[str, str], dict[str, Any]]:
        return {key: item for key, item in self.items.items() if key[0].startswith(f"{kind}#")}

    def active(self, last: date, days: int) -> int:
        first = last - timedelta(days=days - 1)
        span = (first + timedelta(days=number) for number in range(days))
        return len({deed.user for day in span for deed in self.of_day.get(day, ())})

    def own(self, key: tuple[str, str]) -> list[Deed]:
        return self.of_item.get(key, [])

    def created_at(self, key: tuple[str, str]) -> datetime:
        return moment(self.items[key].get("created_at")) or self.own(key)[0].at

    def finished_at(self, key: tuple[str, str]) -> datetime | None:
        if self.items[key].get("status") != "completed":
            return None
        told = moment(self.items[key].get("completed_at"))
        turns = [
            deed.at for deed in self.own(key) if deed.after == "completed" and deed.before != "completed"
        ]
        return told or (turns[-1] if turns else self.own(key)[0].at)

    def lead_micros(self, key: tuple[str, str]) -> int | None:
        finished = self.finished_at(key)
        return None if finished is None else max(_micros(finished - self.created_at(key)), 0)

    def cycle_micros(self, key: tuple[str, str]) -> int | None:
        finished = self.finished_at(key)
        started = [deed.at for deed in self.own(key) if deed.after == "in_progress"]
        if finished is None or not started or finished < started[0]:
            return None
        return _micros(finished - started[0])

    def is_overdue(self, item: dict[str, Any], day: date) -> bool:
        limit = due(item)
        return item.get("status") in OPEN and limit is not None and limit < day

    def local_day(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    # -- the tables ----------------------------------------------------------------------------------------------

    def tables(self) -> dict[str, list[Row]]:
        """Every Gold table as a list of rows, in no order."""
        return {name: list(make(self)) for name, make in TABLES.items()}

    def user_analytics(self) -> Iterable[Row]:
        for user, mine in self.of_user.items():
            profile = self.items.get((f"USER#{user}", "METADATA"), {})
            times = sorted(deed.at for deed in mine)
            kinds = {deed.change.name for deed in mine}
            yield user, profile.get("email"), profile.get("name"), times[0], times[-1], len(mine), len(kinds)

    def user_metrics(self) -> Iterable[Row]:
        by_user = defaultdict(list)
        for key in self.live("TASK"):
            by_user[key[0].partition("#")[2]].append(key)
        for user, keys in by_user.items():
            statuses = Counter(self.items[key].get("status") for key in keys)
            days = sorted(self.local_day(self.created_at(key)) for key in keys)
            yield (
                user,
                len(keys),
                statuses["completed"],
                statuses["pending"],
                statuses["in_progress"],
                statuses["cancelled"],
                sum(self.is_overdue(self.items[key], self.today) for key in keys),
                statuses["completed"] / len(keys),
                *self._percentile_hours(keys),
                days[0],
                days[-1],
            )

    def _percentile_hours(self, keys: Iterable[tuple[str, str]]) -> list[float | None]:
        micros = sorted(lead for key in keys if (lead := self.lead_micros(key)) is not None)
        return [percentile(micros, share) for share in ("0.5", "0.85", "0.95")]

    def category_trends(self) -> Iterable[Row]:
        tasks = list(self.live("TASK").values())
        for name in {category(task) for task in tasks}:
            mine = [task for task in tasks if category(task) == name]
            yield name, len(mine), sum(task.get("status") == "completed" for task in mine)

    def category_daily(self) -> Iterable[Row]:
        counted: dict[tuple[date, str], list[int]] = defaultdict(lambda: [0, 0])
        for deed in self.task_deeds():
            if deed.change.new is not None and (deed.first_of_life or _completes(deed)):
                counted[deed.day, category(deed.change.new)][0] += deed.first_of_life
                counted[deed.day, category(deed.change.new)][1] += _completes(deed)
        for (day, name), (created, completed) in counted.items():
            yield day, name, created, completed

    def throughput(self) -> Iterable[Row]:
        for day in self.days:
            deeds = [deed for deed in self.of_day.get(day, ()) if deed.is_task]
            yield (
                day,
                sum(deed.first_of_life for deed in deeds),
                sum(_completes(deed) for deed in deeds),
                sum(deed.before in ("completed", "cancelled") and deed.after in OPEN for deed in deeds),
                sum(deed.change.name == "REMOVE" for deed in deeds),
                sum(deed.change.name == "INSERT" and not deed.first_of_life for deed in deeds),
            )

    def flow(self) -> Iterable[Row]:
        statuses = {*STATUSES, *(deed.after for deed in self.task_deeds() if deed.after)}
        for day, standing in self.standing():
            counted = Counter(_status(item) for (pk, _), item in standing.items() if pk.startswith("TASK#"))
            for status in statuses:
                yield day, status, counted[status]

    def completion_times(self) -> Iterable[Row]:
        for key, item in self.live("TASK").items():
            finished = self.finished_at(key)
            if finished is not None:
                yield (
                    self.local_day(finished),
                    category(item),
                    item.get("priority"),
                    _hours(self.lead_micros(key)),
                    _hours(self.cycle_micros(key)),
                    key[1].partition("#")[2],
                    key[0].partition("#")[2],
                    self.created_at(key),
                    finished,
                )

    def task_facts(self) -> Iterable[Row]:
        done = {(row[6], row[5]): row for row in self.completion_times()}
        for key in dict.fromkeys((deed.change.pk, deed.change.sk) for deed in self.task_deeds()):
            last = self.own(key)[-1].change
            item = last.new or last.old or {}
            user, task_id = key[0].partition("#")[2], key[1].partition("#")[2]
            created = moment(item.get("created_at")) or self.own(key)[0].at
            finished = done.get((user, task_id))
            yield (
                user,
                task_id,
                item.get("title"),
                category(item),
                item.get("priority") or "(none)",
                status(item),
                int(last.new is None),
                due(item),
                created,
                self.local_day(created),
                *((finished[8], finished[0], finished[3], finished[4]) if finished else (None,) * 4),
            )

    def change_facts(self) -> Iterable[Row]:
        tasks = {(row[0], row[1]): row for row in self.task_facts()}
        following = {
            deed.change.event_id: later
            for own in self.of_item.values()
            for deed, later in zip_longest(own, own[1:])
        }
        for deed in self.deeds:
            task_id = deed.change.sk.partition("#")[2]
            task = tasks[deed.user, task_id] if deed.is_task else (None,) * 10
            later = following[deed.change.event_id]
            flags = (
                deed.first_of_life,
                _completes(deed),
                deed.before in ("completed", "cancelled") and deed.after in OPEN,
                deed.change.name == "REMOVE",
                deed.change.name == "INSERT" and not deed.first_of_life,
            )
            yield (
                deed.user,
                *(task[1], task[3], task[4], task[5], task[9]),
                deed.at,
                deed.day,
                deed.hour,
                later.day if later else None,
                deed.after if deed.is_task else None,
                due(deed.change.new or deed.change.old or {}),
                *(int(deed.is_task and flag) for flag in flags),
            )

    def open_age(self) -> Iterable[Row]:
        ages = [
            (
                max((self.today - self.local_day(self.created_at(key))).days, 0),
                self.is_overdue(item, self.today),
            )
            for key, item in self.live("TASK").items()
            if item.get("status") in OPEN
        ]
        names = ("today", "1-6 days", "1-2 weeks", "2-4 weeks", "1-3 months", "over 3 months")
        edges = (0, 1, 7, 14, 28, 90, 10**6)
        for order, name in enumerate(names):
            inside = [late for age, late in ages if edges[order] <= age < edges[order + 1]]
            yield name, order + 1, len(inside), sum(inside)

    def heatmap(self) -> Iterable[Row]:
        counted = Counter((deed.day.isoweekday(), deed.hour) for deed in self.deeds)
        for weekday in range(1, 8):
            for hour in range(24):
                yield weekday, hour, counted[weekday, hour]

    def retention(self) -> Iterable[Row]:
        weeks: dict[str, set[date]] = defaultdict(set)
        for deed in self.deeds:
            weeks[deed.user].add(_monday(deed.day))
        last = _monday(self.days[-1])
        began = {user: min(theirs) for user, theirs in weeks.items()}
        for cohort in set(began.values()):
            members = [user for user, first in began.items() if first == cohort]
            for number in range((last - cohort).days // 7 + 1):
                week = cohort + timedelta(weeks=number)
                active = sum(week in weeks[user] for user in members)
                yield cohort, number, len(members), active, active / len(members)

    def kpis(self) -> Iterable[Row]:
        tasks, users = self.live("TASK"), self.live("USER")
        statuses = Counter(task.get("status") for task in tasks.values())
        hours = [value or 0.0 for value in self._percentile_hours(tasks)]
        day, month = self.active(self.today, 1), self.active(self.today, 30)
        return {
            "total_users": float(len(users)),
            "active_users": float(month),
            "total_tasks": float(len(tasks)),
            **{f"{status}_tasks": float(statuses[status]) for status in STATUSES},
            "open_tasks": float(statuses["pending"] + statuses["in_progress"]),
            "overdue_tasks": float(sum(self.is_overdue(task, self.today) for task in tasks.values())),
            "completion_rate": _ratio(statuses["completed"], len(tasks)),
            "avg_tasks_per_user": _ratio(len(tasks), len(users)),
            "dau": float(day),
            "wau": float(self.active(self.today, 7)),
            "mau": float(month),
            "stickiness": _ratio(day, month),
            "p50_hours_to_complete": hours[0],
            "p85_hours_to_complete": hours[1],
            "p95_hours_to_complete": hours[2],
            "total_events": float(len(self.deeds)),
        }.items()

    def kpi_daily(self) -> Iterable[Row]:
        throughput = {row[0]: row for row in self.throughput()}
        for day, standing in self.standing():
            tasks = [item for (pk, _), item in standing.items() if pk.startswith("TASK#")]
            users = sum(pk.startswith("USER#") for pk, _ in standing)
            statuses = Counter(task.get("status") for task in tasks)
            figures = {
                "total_users": users,
                "total_tasks": len(tasks),
                **{f"{status}_tasks": statuses[status] for status in STATUSES},
                "open_tasks": statuses["pending"] + statuses["in_progress"],
                "overdue_tasks": sum(self.is_overdue(task, day) for task in tasks),
                "completion_rate": _ratio(statuses["completed"], len(tasks)),
                "avg_tasks_per_user": _ratio(len(tasks), users),
                "dau": self.active(day, 1),
                "wau": self.active(day, 7),
                "mau": self.active(day, 30),
                "active_users": self.active(day, 30),
                "tasks_created": throughput[day][1],
                "tasks_completed": throughput[day][2],
                "tasks_reopened": throughput[day][3],
                "tasks_deleted": throughput[day][4],
            }
            yield from ((day, metric, float(value)) for metric, value in figures.items())


TABLES: dict[str, Callable[[Oracle], Iterable[Row]]] = {
    "user_analytics": Oracle.user_analytics,
    "task_analytics_user_metrics": Oracle.user_metrics,
    "task_analytics_category_trends": Oracle.category_trends,
    "category_daily": Oracle.category_daily,
    "business_metrics_kpis": Oracle.kpis,
    "kpi_daily": Oracle.kpi_daily,
    "daily_throughput": Oracle.throughput,
    "cumulative_flow": Oracle.flow,
    "completion_times": Oracle.completion_times,
    "task_facts": Oracle.task_facts,
    "change_facts": Oracle.change_facts,
    "open_task_age": Oracle.open_age,
    "activity_heatmap": Oracle.heatmap,
    "retention_cohorts": Oracle.retention,
}


def _grouped(deeds: Iterable[Deed], key: Callable[[Deed], Any]) -> dict[Any, list[Deed]]:
    groups: dict[Any, list[Deed]] = defaultdict(list)
    for deed in deeds:
        groups[key(deed)].append(deed)
    return dict(groups)


def percentile(values: list[int], share: str) -> float | None:
    """The smallest of the sorted values that at least `share` of them do not exceed, in hours."""
    return _hours(values[max(ceil(Fraction(share) * len(values)), 1) - 1]) if values else None


def _completes(deed: Deed) -> bool:
    if deed.after != "completed" or deed.before == "completed":
        return False
    return deed.change.name == "MODIFY" or deed.first_of_life


def _newer(image: dict[str, Any], old: dict[str, Any]) -> bool:
    number, before = version(image), version(old)
    return number is not None and (before is None or number > before)


def _micros(span: timedelta) -> int:
    return span // timedelta(microseconds=1)


def _hours(micros: int | None) -> float | None:
    return None if micros is None else micros / 3.6e9


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
