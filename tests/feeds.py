"""What calendar programs read in a feed: the first occurrences of each event, by icalendar, by ical.js and by libical.

Each reader takes a feed and returns the first ``MOST`` days, local times or instants by the summary of the events, as
ISO 8601; events with the same summary count together.
"""

import json
import subprocess
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from dateutil.rrule import rrulestr
from icalendar import Calendar

from tasks.recurrence import Start, fitted, occurrences
from tests import libical

MOST = 20
ROOT = Path(__file__).resolve().parent.parent
# One more than MOST: an event that repeats may share its first start with one that does not.
_READ = MOST + 1
_ICAL_JS = """
const fs = require("fs"), icalendar = require("ical.js"), ICAL = icalendar.default || icalendar;
const calendar = new ICAL.Component(ICAL.parse(fs.readFileSync(0, "utf8")));
for (const zone of calendar.getAllSubcomponents("vtimezone")) ICAL.TimezoneService.register(zone);
const read = {};
for (const component of calendar.getAllSubcomponents("vevent")) {
  const event = new ICAL.Event(component), dates = event.iterator(), found = [];
  for (let next; found.length < Number(process.argv[1]) && (next = dates.next()); )
    found.push(next.isDate || next.zone === ICAL.Timezone.localTimezone
      ? next.toString() : new Date(next.toUnixTime() * 1000).toISOString().slice(0, 19) + "Z");
  (read[event.summary] ||= []).push(...found);
}
console.log(JSON.stringify(read));
"""

Read = dict[str, list[str]]


def by_icalendar(feed: bytes) -> Read:
    """Return what icalendar reads, which leaves rules to dateutil."""
    read: Read = {}
    for event in Calendar.from_ical(feed).walk("VEVENT"):
        found = [event.start]
        if "rrule" in event:
            timed = isinstance(event.start, datetime)
            first = event.start if timed else datetime.combine(event.start, time())
            rule = rrulestr(event["rrule"].to_ical().decode(), dtstart=first)
            found = [moment if timed else moment.date() for moment in islice(rule, _READ)]
        read.setdefault(str(event["summary"]), []).extend(map(_shown, found))
    return _first(read)


def by_icaljs(feed: bytes) -> Read:
    """Return what ical.js reads."""
    command = ["node", "-e", _ICAL_JS, str(_READ)]
    done = subprocess.run(command, input=feed, capture_output=True, check=True, cwd=ROOT, timeout=120)
    return _first(json.loads(done.stdout))


def by_libical(feed: bytes) -> Read:
    """Return what libical reads."""
    read: Read = {}
    for summary, found in libical.occurrences(feed, _READ):
        read.setdefault(summary, []).extend(map(_shown, found))
    return _first(read)


def meant(task: Mapping[str, Any]) -> list[str]:
    """Return what the readers should read of a task, given by its fields: its due date is an event in any case."""
    zone = ZoneInfo(task["timezone"]) if task.get("timezone") else None
    at = time.fromisoformat(task["due_time"]) if task.get("due_time") else None
    start = Start(date.fromisoformat(task["due_date"]), at, zone if at else None)
    rule = task.get("recurrence")
    days = islice(occurrences(fitted(rule, start), start), _READ) if rule else ()
    moments = {start.instant(day) if start.at else day for day in (start.day, *days)}
    return sorted(map(_shown, moments))[:MOST]


def meant_together(tasks: Iterable[Mapping[str, Any]]) -> Read:
    """Return what the readers should read of these tasks, by their titles: tasks may share one."""
    read: Read = {}
    for task in tasks:
        read.setdefault(task["title"], []).extend(meant(task))
    return _first(read)


def _shown(moment: date) -> str:
    if not isinstance(moment, datetime):
        return moment.isoformat()
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment.tzinfo else f"{moment:%Y-%m-%dT%H:%M:%S}"


def _first(read: dict[str, Iterable[str]]) -> Read:
    return {summary: sorted(set(found))[:MOST] for summary, found in read.items()}
