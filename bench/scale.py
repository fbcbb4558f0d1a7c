"""The lake at ten million users, worked out: `python -m bench.scale`. No cloud is touched; every assumption is below.

Compares the product's layout (16 user buckets a day) with one partition per user and day, for the same events.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

MIB, GIB = 1024**2, 1024**3


@dataclass(frozen=True)
class Load:
    """What people do (assumed), and what it takes.

    Bytes are of Snappy Parquet, measured on a generated history of 3,348 events; what people write compresses less.
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
    """Of AWS, by its documentation; the speed of a DPU is assumed, not measured."""

    firehose_active_partitions: int = 500
    firehose_buffer_seconds: int = 60
    firehose_buffer_bytes: int = 128 * MIB
    put_per_1000: float = 0.005
    athena_per_tib: float = 5.0
    athena_minimum_bytes: int = 10 * MIB
    events_per_dpu_minute: float = 4_000_000
    listing_keys: int = 1000


@dataclass(frozen=True)
class Figures:
    """One layout's consequences, a day unless said otherwise."""

    files: float
    bytes: float
    bytes_per_file: float
    active_partitions: float
    put_dollars: float
    listing_requests: float
    footer_share: float


def layout(load: Load, limits: Limits, partitions: float) -> Figures:
    """Figures of a layout where a day's events fall into so many partitions, evenly over the day."""
    flushes = 86_400 / limits.firehose_buffer_seconds
    per_flush = load.events / flushes
    # Of so many partitions, how many get at least one of the events of one buffer.
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


def dpu_minutes(load: Load, limits: Limits, events: float) -> float:
    """Glue DPU-minutes of one Silver and Gold run over so many events, history of the touched buckets included."""
    return events / limits.events_per_dpu_minute


def gold_bytes(load: Load) -> dict[str, int]:
    """Bytes Athena reads for one dashboard view: small series, and the user table's few columns."""
    days = load.history_days
    return {
        "kpi_daily": days * 18 * 12,
        "daily_throughput": days * 40,
        "cumulative_flow": days * 4 * 12,
        "activity_heatmap": 168 * 10,
        "open_task_age": 6 * 30,
        "retention_cohorts": (days // 7) ** 2 // 2 * 16,
        "category_daily": days * 50 * 12,
        "user_analytics": int(load.users * 60),
    }


def report(load: Load, limits: Limits) -> str:
    """A table in Markdown."""
    ours, theirs = layout(load, limits, 16), layout(load, limits, load.users * load.daily_active)
    rows = [
        ("Bronze files a day", f"{ours.files:,.0f}", f"{theirs.files:,.0f}"),
        ("bytes a file", f"{ours.bytes_per_file:,.0f}", f"{theirs.bytes_per_file:,.0f}"),
        ("Bronze bytes a day (GiB)", f"{ours.bytes / GIB:,.1f}", f"{theirs.bytes / GIB:,.1f}"),
        ("of them Parquet footers", f"{ours.footer_share:.1%}", f"{theirs.footer_share:.1%}"),
        (
            "Firehose partitions open at once",
            f"{ours.active_partitions:,.0f}",
            f"{theirs.active_partitions:,.0f}",
        ),
        (
            "of the limit of 500",
            f"{ours.active_partitions / 500:.0%}",
            f"{theirs.active_partitions / 500:,.0%}",
        ),
        ("S3 PUT, dollars a day", f"{ours.put_dollars:,.2f}", f"{theirs.put_dollars:,.2f}"),
        (
            "requests to list a day's files",
            f"{ours.listing_requests:,.0f}",
            f"{theirs.listing_requests:,.0f}",
        ),
    ]
    view = sum(max(size, limits.athena_minimum_bytes) for size in gold_bytes(load).values())
    history = load.events * load.history_days
    cost = view / 1024**4 * limits.athena_per_tib
    speed = f"{limits.events_per_dpu_minute:,.0f} events a minute"
    lines = ["| | 16 buckets | a partition per user |", "|---|---|---|"]
    lines += [f"| {name} | {a} | {b} |" for name, a, b in rows]
    lines += [
        "",
        (
            f"{load.users:,} users, {load.events:,.0f} events a day. A dashboard view that no cache answers reads "
            f"{view / MIB:,.0f} MiB in {len(gold_bytes(load))} queries (${cost:.4f}), "
            f"whatever Bronze looks like. A year of history ({history:,.0f} events) through Silver and Gold: "
            f"{dpu_minutes(load, limits, history):,.0f} DPU-minutes, if a DPU does {speed}."
        ),
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    print(report(Load(), Limits()))
