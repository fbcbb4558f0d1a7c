"""A calculation of the lake at ten million users: `python -m bench.scale`. It runs nothing; all assumptions are below.

Compares the product's layout (16 user buckets a day) with one partition per user and day, for the same events.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

MIB, GIB = 1024**2, 1024**3


@dataclass(frozen=True)
class Load:
    """The assumed activity, and the sizes of its files.

    Sizes are of Snappy Parquet, measured on a generated history of 3,348 events; real text compresses less.
    """

    users: int = 10_000_000
    daily_active: float = 0.2
    events_per_active_user: float = 6.0
    bronze_bytes_per_event: int = 131
    parquet_footer_bytes: int = 5_000
    history_days: int = 365

    @property
    def events(self) -> float:
        """Events a day."""
        return self.users * self.daily_active * self.events_per_active_user


@dataclass(frozen=True)
class Limits:
    """Limits and prices from AWS's documentation; the speed of a DPU is an assumption."""

    firehose_active_partitions: int = 500
    firehose_buffer_seconds: int = 60
    firehose_buffer_bytes: int = 128 * MIB
    put_per_1000: float = 0.005
    athena_per_tib: float = 5.0
    athena_minimum_bytes: int = 10 * MIB
    events_per_dpu_minute: float = 4_000_000
    # Assumed: two requests to S3 for each small file, by one of a DPU's four cores.
    seconds_to_open_a_file: float = 0.05
    cores_of_a_dpu: int = 4
    listing_keys: int = 1000


# The columns that each question of a dashboard view reads, once for each mention of the table; a test compares.
CHOICE = "category priority task_status user_id"
OF_TASKS = "category priority status user_id completed_day lead_hours"
STATE = f"{CHOICE} completed created day due_date next_day status task_id"
VIEW: dict[str, tuple[tuple[str, str], ...]] = {
    "kpis": (
        ("change_facts", STATE),
        ("change_facts", STATE),
        ("task_facts", f"{OF_TASKS} due_date task_id"),
    ),
    "throughput": (("change_facts", f"{CHOICE} completed created day deleted reopened"),),
    "cumulative-flow": (("change_facts", f"{CHOICE} day next_day status task_id"),),
    "lead-time": (("task_facts", f"{OF_TASKS} cycle_hours"),),
    "categories": (("change_facts", f"{CHOICE} completed created day task_id"),),
    "cycle-time": (("task_facts", f"{OF_TASKS} cycle_hours"),),
    "ageing": (("change_facts", f"{CHOICE} created_day day due_date next_day status"),),
    "activity": (("change_facts", f"{CHOICE} day hour task_id"),),
    "top-users": (
        ("change_facts", STATE),
        ("task_facts", f"{OF_TASKS} due_date task_id"),
        ("user_analytics", "name user_id"),
    ),
    "retention": (("change_facts", f"{CHOICE} day"),),
    "choices": (
        ("change_facts", "category day user_id"),
        ("task_facts", "category user_id"),
        ("user_analytics", "name user_id"),
    ),
}
# Compressed bytes per row, as the lake wrote them for two million events of 10,000 people; the ids of more people
# compress less.
BYTES: dict[str, dict[str, float]] = {
    "change_facts": {
        "user_id": 0.87,
        "task_id": 8.86,
        "category": 0.22,
        "priority": 0.12,
        "task_status": 0.10,
        "created_day": 0.48,
        "day": 0.75,
        "hour": 0.63,
        "next_day": 0.68,
        "status": 0.16,
        "due_date": 0.64,
        "created": 0.10,
        "completed": 0.09,
        "reopened": 0.07,
        "deleted": 0.04,
    },
    "task_facts": {
        "user_id": 2.08,
        "task_id": 32.28,
        "category": 0.38,
        "priority": 0.26,
        "status": 0.23,
        "due_date": 0.88,
        "completed_day": 0.42,
        "lead_hours": 3.13,
        "cycle_hours": 3.13,
    },
    "user_analytics": {"user_id": 4.85, "name": 4.94},
}
# Rows of change_facts and task_facts per event in the same history.
CHANGES_PER_EVENT, TASKS_PER_EVENT = 0.98, 0.21


@dataclass(frozen=True)
class Figures:
    """The figures of one layout, per day unless named otherwise."""

    files: float
    bytes: float
    bytes_per_file: float
    active_partitions: float
    put_dollars: float
    listing_requests: float
    footer_share: float


def layout(load: Load, limits: Limits, partitions: float) -> Figures:
    """Return the figures of a layout with so many partitions a day, and events spread evenly over the day."""
    flushes = 86_400 / limits.firehose_buffer_seconds
    per_flush = load.events / flushes
    # The partitions that get at least one event of a buffer.
    touched = partitions * -math.expm1(-per_flush / partitions)
    payload = load.events * load.bronze_bytes_per_event
    files = max(flushes * touched, payload / limits.firehose_buffer_bytes)
    size = payload + files * load.parquet_footer_bytes
    return Figures(
        files=files,
        bytes=size,
        bytes_per_file=size / files,
        active_partitions=touched,
        put_dollars=files / 1000 * limits.put_per_1000,
        listing_requests=files / limits.listing_keys,
        footer_share=files * load.parquet_footer_bytes / size,
    )


def dpu_minutes(limits: Limits, events: float, files: float) -> float:
    """Return the Glue DPU-minutes to read so many events from so many files and compute Silver and Gold."""
    opening = files * limits.seconds_to_open_a_file / limits.cores_of_a_dpu / 60
    return events / limits.events_per_dpu_minute + opening


def view_bytes(load: Load, limits: Limits) -> dict[str, float]:
    """Return the bytes that Athena reads for each question of a dashboard view without a cache."""
    events = load.events * load.history_days
    rows = {
        "change_facts": events * CHANGES_PER_EVENT,
        "task_facts": events * TASKS_PER_EVENT,
        "user_analytics": load.users,
    }
    return {
        question: max(
            limits.athena_minimum_bytes,
            sum(
                rows[table] * sum(BYTES[table][column] for column in names.split()) for table, names in reads
            ),
        )
        for question, reads in VIEW.items()
    }


def report(load: Load, limits: Limits) -> str:
    """Return a table in Markdown."""
    ours, theirs = layout(load, limits, 16), layout(load, limits, load.users * load.daily_active)
    limit = limits.firehose_active_partitions
    figures: list[tuple[str, str, Callable[[Figures], float]]] = [
        ("Bronze files a day", ",.0f", lambda each: each.files),
        ("bytes a file", ",.0f", lambda each: each.bytes_per_file),
        ("Bronze bytes a day (GiB)", ",.1f", lambda each: each.bytes / GIB),
        ("of them Parquet footers", ".1%", lambda each: each.footer_share),
        ("Firehose partitions open at once", ",.0f", lambda each: each.active_partitions),
        (f"of the limit of {limit}", ",.0%", lambda each: each.active_partitions / limit),
        ("S3 PUT, dollars a day", ",.2f", lambda each: each.put_dollars),
        ("requests to list a day's files", ",.0f", lambda each: each.listing_requests),
    ]
    rows = [(name, *(format(value(each), form) for each in (ours, theirs))) for name, form, value in figures]
    rows += _glue(load, limits, ours, theirs)
    view = view_bytes(load, limits)
    costly = max(view, key=lambda question: view[question])
    cost = sum(view.values()) / 1024**4 * limits.athena_per_tib
    lines = ["| | 16 buckets | a partition per user |", "|---|---|---|"]
    lines += [f"| {name} | {a} | {b} |" for name, a, b in rows]
    lines += [
        "",
        (
            f"{load.users:,} users, {load.events:,.0f} events a day. A dashboard view over {load.history_days} days of "
            f"history that no cache answers reads {sum(view.values()) / GIB:,.0f} GiB in {len(view)} queries "
            f"(${cost:,.2f}), {view[costly] / GIB:,.0f} of them for `{costly}`, whatever Bronze looks like."
        ),
    ]
    return "\n".join(lines)


def _glue(load: Load, limits: Limits, ours: Figures, theirs: Figures) -> list[tuple[str, str, str]]:
    history = load.events * load.history_days
    asked = (
        ("for one day", load.events, 1),
        (f"to rebuild Silver and Gold of {load.history_days} days", history, load.history_days),
    )
    return [
        (
            f"DPU-minutes {name}",
            f"{dpu_minutes(limits, events, ours.files * days):,.0f}",
            f"{dpu_minutes(limits, events, theirs.files * days):,.0f}",
        )
        for name, events, days in asked
    ]


if __name__ == "__main__":
    print(report(Load(), Limits()))
