"""Reads the lines of `bench.language` with one parser, in a process of its own: JSON in, JSON out."""

import json
import sys
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

Answer = dict[str, Any]


def _ours() -> Callable[[str, datetime, str], Answer]:
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from django.conf import settings

    settings.configure(USE_I18N=False)
    begun = time.perf_counter()
    from tasks.language import quick_add

    quick_add.parse("x", datetime(2026, 1, 1))  # noqa: DTZ001
    return _timed(begun, lambda text, now, language: quick_add.parse(text, now, language).fields)


def _dateparser() -> Callable[[str, datetime, str], Answer]:
    begun = time.perf_counter()
    from dateparser.search import search_dates

    def read(text: str, now: datetime, language: str) -> Answer:
        settings = {"RELATIVE_BASE": now, "PREFER_DATES_FROM": "future", "RETURN_TIME_AS_PERIOD": True}
        found = search_dates(text, languages=list({language, "en"}), settings=settings)
        if not found:
            return {}
        phrase, moment = found[0]
        timed = any(mark in phrase for mark in (":", "am", "pm", "noon", "hour", "minute", "Uhr"))
        return {"due_date": moment.date().isoformat(), "due_time": f"{moment:%H:%M}" if timed else None}

    return _timed(begun, read)


def _recurrent() -> Callable[[str, datetime, str], Answer]:
    begun = time.perf_counter()
    from recurrent.event_parser import RecurringEvent

    def read(text: str, now: datetime, language: str) -> Answer:
        event = RecurringEvent(now_date=now)
        found = event.parse(text)
        if isinstance(found, datetime):
            timed = (found.hour, found.minute) not in {(0, 0), (now.hour, now.minute), (9, 0)}
            return {"due_date": found.date().isoformat(), "due_time": f"{found:%H:%M}" if timed else None}
        if not found:
            return {}
        rule = ";".join(part for part in found.splitlines()[-1].removeprefix("RRULE:").split(";") if part)
        plain = ";".join(part for part in rule.split(";") if not part.startswith(("BYHOUR", "BYMINUTE")))
        first = _first(plain, now)
        hours = dict(part.split("=") for part in rule.split(";"))
        clock = f"{int(hours['BYHOUR']):02}:{int(hours.get('BYMINUTE', 0)):02}" if "BYHOUR" in hours else None
        return {"due_date": first, "due_time": clock, "recurrence": plain}

    return _timed(begun, read)


def _first(rule: str, now: datetime) -> str | None:
    from dateutil.rrule import rrulestr

    day = next(iter(rrulestr(rule, dtstart=now.replace(hour=0, minute=0))), None)
    return day.date().isoformat() if day else None


def _timed(
    begun: float, read: Callable[[str, datetime, str], Answer]
) -> Callable[[str, datetime, str], Answer]:
    read.__dict__["import"] = time.perf_counter() - begun
    return read


def main() -> None:
    """Read the lines and print what was found."""
    read = {"ours": _ours, "dateparser": _dateparser, "recurrent": _recurrent}[sys.argv[1]]()
    found, seconds = [], 0.0
    for line in json.load(sys.stdin):
        begun = time.perf_counter()
        try:
            answer = read(line["text"], datetime.fromisoformat(line["now"]), line["language"])
        except Exception:  # noqa: BLE001 (a parser that fails on a line has not read it)
            answer = {"failed": True}
        seconds += time.perf_counter() - begun
        found.append(answer)
    json.dump({"import": read.__dict__["import"], "seconds": seconds, "lines": found}, sys.stdout)


if __name__ == "__main__":
    main()
