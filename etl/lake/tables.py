"""Columns of every table of the lake: the only place that decides names, types and order.

A table is `Table(name, layer, columns, partitions)`; a column is `(name, Hive type)`. The Glue catalogue, the
Parquet files and the SQL under `etl/sql/` are checked against these lists.
"""

from dataclasses import dataclass

Column = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the lake.

    Parameters
    ----------
    name
        Name in the Glue database.
    layer
        `bronze`, `silver` or `gold`.
    columns
        `(name, Hive type)` pairs stored in the Parquet files, in order.
    partitions
        `(name, Hive type)` pairs that exist only in the path.
    dated
        Timestamp column of a table whose files each hold one calendar month of it; empty for others.
    """

    name: str
    layer: str
    columns: tuple[Column, ...]
    partitions: tuple[Column, ...] = ()
    dated: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the stored columns, in order."""
        return tuple(name for name, _ in self.columns)


def columns(text: str) -> tuple[Column, ...]:
    """Read `name type` pairs separated by commas.

    >>> columns("day date, tasks bigint")
    (('day', 'date'), ('tasks', 'bigint'))
    """
    pairs = (part.split() for part in text.split(","))
    return tuple((name, hive_type) for name, hive_type in pairs)


USER_BUCKET: Column = ("user_bucket", "string")

# `cut` names the images of a change that lack attributes, because the change was too long for a record of Firehose:
# "old_image" or "old_image,new_image". It is null for whole ones; in Silver it says so of the event, task or profile.
# Every Bronze column is text: Firehose converts JSON to Parquet without any cast that could fail or round.
BRONZE = Table(
    "cdc",
    "bronze",
    columns(
        "event_id string, event_name string, event_time string, sequence_number string, entity_type string, "
        "pk string, sk string, user_id string, entity_id string, request_id string, updated_by string, "
        "old_image string, new_image string, attribute_types string, table_name string, cut string"
    ),
    (("year", "string"), ("month", "string"), ("day", "string"), USER_BUCKET),
)

# Log lines in the shape that all components share, one JSON object a line: the site's requests (`message` is "request",
# `component` api or web), and what the lake's functions (etl) and the gateway say. `metadata` is JSON text. `timestamp`
# is a reserved word in Athena, but it is what the line says: queries quote it. A row's day is the day it arrived.
REQUESTS = Table(
    "requests",
    "bronze",
    columns(
        "timestamp string, level string, request_id string, user_id string, component string, "
        "operation string, duration_ms double, status string, message string, metadata string"
    ),
    columns("year string, month string, day string"),
)

TASK_EVENTS = Table(
    "task_events",
    "silver",
    columns(
        "event_id string, event_name string, event_time timestamp, sequence_number string, entity_type string, "
        "pk string, sk string, user_id string, entity_id string, request_id string, updated_by string, "
        "changed_at timestamp, version bigint, old_version bigint, status string, old_status string, "
        "title string, category string, priority string, due_date date, "
        "created_at timestamp, updated_at timestamp, completed_at timestamp, deleted_at timestamp, "
        "image string, attribute_types string, table_name string, is_change int, cut string"
    ),
    (USER_BUCKET,),
    "event_time",
)

TASKS = Table(
    "tasks",
    "silver",
    columns(
        "task_id string, user_id string, title string, description string, status string, priority string, "
        "category string, tags string, due_date date, due_time string, timezone string, recurrence string, "
        "created_at timestamp, updated_at timestamp, completed_at timestamp, version bigint, "
        "updated_by string, request_id string, event_id string, sequence_number string, event_time timestamp, "
        "image string, cut string"
    ),
    (USER_BUCKET,),
)

USERS = Table(
    "users",
    "silver",
    columns(
        "user_id string, email string, username string, name string, given_name string, family_name string, "
        "timezone string, created_at timestamp, updated_at timestamp, version bigint, "
        "updated_by string, request_id string, event_id string, sequence_number string, event_time timestamp, "
        "image string, cut string"
    ),
    (USER_BUCKET,),
)

# What is stored of tasks and profiles: a row for each state that a commit has found, of removed ones as well. `tasks`
# and `users` are views of it: the state with the highest sequence number, if that is no removal.
TASK_STATES = Table("task_states", "silver", (*TASKS.columns, ("event_name", "string")), (USER_BUCKET,))
USER_STATES = Table("user_states", "silver", (*USERS.columns, ("event_name", "string")), (USER_BUCKET,))

# The raw Bronze row, and what became of it. All columns are text, so a row cannot be refused twice.
QUARANTINE = Table(
    "quarantine",
    "silver",
    (
        *BRONZE.columns,
        *columns(
            "reason string, source_file string, error string, arrived_on string, "
            "dismissed_at string, dismissed_by string"
        ),
    ),
    (USER_BUCKET,),
)

# SQL text that names a quarantined row: when, which event, in which file. Read alike by DuckDB and Athena.
QUARANTINED_ROW = (
    "concat(coalesce(event_time, ''), '|', coalesce(event_id, ''), '|', coalesce(source_file, ''))"
)

SILVER = (TASK_EVENTS, TASK_STATES, USER_STATES, QUARANTINE)
# The views of Silver, and the stored table of each.
VIEWS = {TASKS: TASK_STATES, USERS: USER_STATES}


def _gold(name: str, text: str) -> Table:
    return Table(name, "gold", columns(text))


KPIS = _gold("business_metrics_kpis", "metric string, value double")

GOLD = (
    _gold(
        "user_analytics",
        "user_id string, email string, name string, first_seen timestamp, last_updated timestamp, "
        "total_events bigint, max_event_types bigint",
    ),
    _gold(
        "task_analytics_user_metrics",
        "user_id string, total_tasks bigint, completed_tasks bigint, pending_tasks bigint, "
        "in_progress_tasks bigint, cancelled_tasks bigint, overdue_tasks bigint, completion_rate double, "
        "p50_hours_to_complete double, p85_hours_to_complete double, p95_hours_to_complete double, "
        "first_task_date date, last_task_date date",
    ),
    _gold("task_analytics_category_trends", "category string, total_tasks bigint, completed_tasks bigint"),
    _gold("category_daily", "day date, category string, created bigint, completed bigint"),
    KPIS,
    _gold("kpi_daily", "day date, metric string, value double"),
    _gold(
        "daily_throughput",
        "day date, created bigint, completed bigint, reopened bigint, deleted bigint, restored bigint",
    ),
    _gold("cumulative_flow", "day date, status string, tasks bigint"),
    _gold(
        "completion_times",
        "completed_day date, category string, priority string, lead_hours double, cycle_hours double, "
        "task_id string, user_id string, created_at timestamp, completed_at timestamp",
    ),
    _gold(
        "task_facts",
        "user_id string, task_id string, title string, category string, priority string, status string, deleted int, "
        "due_date date, created_at timestamp, created_day date, completed_at timestamp, completed_day date, "
        "lead_hours double, cycle_hours double",
    ),
    _gold(
        "change_facts",
        "user_id string, task_id string, category string, priority string, task_status string, created_day date, "
        "changed_at timestamp, day date, hour int, next_day date, status string, due_date date, created int, "
        "completed int, reopened int, deleted int, restored int",
    ),
    _gold("open_task_age", "age_bucket string, bucket_order int, tasks bigint, overdue bigint"),
    _gold("activity_heatmap", "weekday int, hour int, events bigint"),
    _gold(
        "retention_cohorts",
        "cohort_week date, week_number int, cohort_size bigint, active_users bigint, rate double",
    ),
)

TABLES = (BRONZE, REQUESTS, *SILVER, *GOLD)
