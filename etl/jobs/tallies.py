"""Gold as a sum of what items say (docs/adrs/049-gold-is-a-sum.md): what a run adds to it.

Functions of relations in an engine: they read and make relations by name, and nothing else. An item is a task with its
twin in the trash, or a profile: all events of one `(user_id, sk)`.
"""

from collections.abc import Mapping
from datetime import date

from etl.jobs.steps import gold_parameters, sql_text
from etl.jobs.workspace import Engine

# What is said of a set of whole items, in this order: from `task_events` to `told`.
SAID = (
    ("tallies", "tasks"),
    ("gold", "changes"),
    ("gold", "lives"),
    ("gold", "completion_times"),
    ("gold", "task_facts"),
    ("tallies", "task_said"),
    ("tallies", "change_said"),
    ("tallies", "told"),
)
# Of these, what the differences are made of.
KEPT = ("task_said", "change_said", "told")
ENTRIES = ("task_entries", "change_entries", "people")
CELLS = ("steps", "openings", "tallies")
# What a run adds rows to: the cells, the people and the items.
MADE = ("tallies", *ENTRIES)


def parameters(today: date, timezone: str) -> dict[str, str]:
    """Parameters of the SQL.

    Parameters
    ----------
    today
        Reporting date. Only its month matters: openings are made up to it.
    timezone
        IANA name of the time zone of reporting days.
    """
    return gold_parameters(today, timezone) | {"month": today.replace(day=1).isoformat()}


def add_news(engine: Engine, values: Mapping[str, str]) -> None:
    """Make what new events add.

    Reads the relations `known_events` (the history without the new events: at least all of the touched items),
    `new_events` (each once) and `known_people` (at least all rows so far of the touched people). Makes `MADE`.

    Parameters
    ----------
    values
        See `parameters`.
    """
    _run(engine, "events_before", values)
    _run(engine, "events_after", values)
    add_difference(engine, values)


def add_difference(engine: Engine, values: Mapping[str, str]) -> None:
    """Make what is added where some items have other events than before.

    Reads the relations `events_before` and `events_after` (all events of these items; none where the items were not
    there, or are erased) and `known_people` (at least all rows so far of their people). Makes `MADE`.

    Parameters
    ----------
    values
        See `parameters`.
    """
    for side in ("before", "after"):
        _copy(engine, f"events_{side}", "task_events")
        for layer, step in SAID:
            _run(engine, step, values, layer)
        for step in KEPT:
            _copy(engine, step, f"{step}_{side}")
    for step in (*ENTRIES, "rolled"):
        _run(engine, step, values)
    for side in ("before", "after"):
        _run(engine, f"visits_{side}", values)
        _copy(engine, f"visits_{side}", "visits")
        _run(engine, "attendance", values)
        _copy(engine, "attendance", f"attendance_{side}")
    for step in CELLS:
        _run(engine, step, values)


def open_month(engine: Engine, values: Mapping[str, str]) -> None:
    """Make `tallies`: the openings of the month of `values`, from the rows of the month before.

    Reads the relation `last_month`: all rows of that month in `tallies`, its openings among them.

    Parameters
    ----------
    values
        See `parameters`.
    """
    _run(engine, "carried", values)
    _copy(engine, "carried", "steps")
    _run(engine, "openings", values)
    engine.run("steps", "SELECT * FROM carried WHERE false", {})
    _run(engine, "tallies", values)


def _run(engine: Engine, step: str, values: Mapping[str, str], layer: str = "tallies") -> None:
    engine.run(step, sql_text(layer, step), values)
    engine.detach(step)


def _copy(engine: Engine, name: str, to: str) -> None:
    engine.run(to, f"SELECT * FROM {name}", {})  # noqa: S608  both are names of this module
