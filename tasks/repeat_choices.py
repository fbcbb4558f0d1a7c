"""The choices of the page's repeat builder as a rule, and a rule as these choices."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from tasks import recurrence

UNITS = recurrence.FREQUENCIES
PLACES = ("1", "2", "3", "4", "-1")


def rule_of(chosen: Mapping[str, Any], due: date) -> str:
    """Return the rule that the builder's fields (``repeat_`` and a name) describe for a task due on ``due``.

    Raises InvalidRule.
    """
    unit = chosen.get("repeat_unit") or "WEEKLY"
    parts = {"FREQ": unit, "INTERVAL": str(chosen.get("repeat_every") or 1)}
    if unit == "WEEKLY" and chosen.get("repeat_days"):
        parts["BYDAY"] = ",".join(chosen["repeat_days"])
    if unit in {"MONTHLY", "YEARLY"}:
        parts |= _on(chosen, unit, due)
    if chosen.get("repeat_ends") == "count":
        parts["COUNT"] = str(chosen.get("repeat_count") or 0)
    if chosen.get("repeat_ends") == "until" and chosen.get("repeat_until"):
        parts["UNTIL"] = chosen["repeat_until"].isoformat().replace("-", "")
    rule = recurrence.parse(";".join(f"{name}={value}" for name, value in parts.items()))
    return recurrence.every(rule, due)


def _on(chosen: Mapping[str, Any], unit: str, due: date) -> dict[str, str]:
    on = chosen.get("repeat_on")
    month = {"BYMONTH": str(due.month)} if unit == "YEARLY" and on in {"weekday", "last"} else {}
    if on == "weekday":
        return month | {"BYDAY": f"{chosen.get('repeat_place') or 1}{chosen.get('repeat_weekday') or 'MO'}"}
    return month | {"BYMONTHDAY": "-1"} if on == "last" else {}


def choices_of(rule: str, due: date | None) -> dict[str, Any]:
    """Return the builder's fields for a valid rule, as far as it has fields for it; without a rule, its first ones."""
    parts = recurrence.parts_of(rule) if rule else {"FREQ": "WEEKLY"}
    day = due or date(2000, 1, 3)
    chosen: dict[str, Any] = {
        "repeat_unit": parts["FREQ"],
        "repeat_every": int(parts.get("INTERVAL", "1")),
        "repeat_on": "day",
        "repeat_place": "-1" if day.day > 28 else str((day.day - 1) // 7 + 1),
        "repeat_weekday": recurrence.WEEKDAYS[day.weekday()],
        "repeat_ends": "until" if "UNTIL" in parts else "count" if "COUNT" in parts else "never",
        "repeat_count": int(parts["COUNT"]) if "COUNT" in parts else None,
        "repeat_until": date.fromisoformat(parts["UNTIL"][:8]) if "UNTIL" in parts else None,
    }
    days = parts.get("BYDAY", "")
    if parts["FREQ"] == "WEEKLY":
        chosen["repeat_days"] = days.split(",") if days else [chosen["repeat_weekday"]] if due else []
    elif days[:-2] in PLACES and "," not in days:
        chosen |= {"repeat_on": "weekday", "repeat_place": days[:-2], "repeat_weekday": days[-2:]}
    elif parts.get("BYMONTHDAY") == "-1":
        chosen["repeat_on"] = "last"
    return chosen
