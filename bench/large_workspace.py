"""A made-up history of a large workspace, as Silver files for the product's own Gold step.

Its distributions are skewed like those of real workspaces: most people have a few tasks, some have hundreds; a dozen
categories have most of the work, and thousands have one or two tasks. All values derive from hashes of the ids, so the
same size always gives the same files.
"""

import tempfile
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

import duckdb

from etl.engine.embedded import Engine
from etl.jobs.steps import GOLD_STEPS, gold_parameters, sql_text
from etl.lake.tables import GOLD, TASK_EVENTS, TASKS, USERS, Table

DAYS = 400
# A number from 0 to 1 that depends on an id and a name.
_MACROS = """
CREATE MACRO chance(id, name) AS (hash(concat(id, name)) % 1000003) / 1000003.0;
CREATE MACRO hours(moment, amount) AS moment + to_microseconds(CAST(amount * 3600e6 AS BIGINT));
"""
_PEOPLE = """
CREATE TABLE people AS
SELECT printf('%08x-0000-7000-8000-%012x', CAST(hash(n) % 4294967296 AS BIGINT), n) AS user_id, n,
  list_element(['Ada', 'Ben', 'Chloé', 'Dinesh', 'Eva', 'Farid', 'Grace', 'Hugo', 'Ines', 'Jonas', 'Maximiliane'],
    CAST(1 + hash(n, 1) % 11 AS BIGINT)) || ' ' ||
  list_element(['Okafor', 'Lindqvist', 'García', 'Novak', 'Tanaka', 'O''Brien', 'Haddad', 'Wolfeschlegelsteinhausen'],
    CAST(1 + hash(n, 2) % 8 AS BIGINT)) AS name,
  CAST(CAST($now AS TIMESTAMP) - to_minutes(CAST($days * 1440 * pow(chance(n, 'joined'), 1.4) AS BIGINT)) AS TIMESTAMP)
    AS joined,
  CAST(ceil(4 * pow(1 / (1.002 - chance(n, 'busy')), 0.55)) AS BIGINT) AS tasks
FROM range($people) AS numbers(n)
"""
_TASKS = """
CREATE TABLE work AS
WITH begun AS (
  SELECT p.user_id, concat(p.user_id, '-', t.n) AS task_id,
    date_trunc('day', joined) + to_hours(CAST(8 + floor(10 * sqrt(chance(concat(p.n, t.n), 'hour'))) AS BIGINT))
      + to_days(CAST(floor(date_diff('day', joined, CAST($now AS TIMESTAMP)) * chance(concat(p.n, '/', t.n), 'day'))
        AS BIGINT)) AS day_and_hour
  FROM people p, range(p.tasks) AS t(n)
), placed AS (
  SELECT *,
    least(hours(CASE WHEN isodow(day_and_hour) > 5 AND chance(task_id, 'weekend') < 0.75
      THEN day_and_hour - to_days(3) ELSE day_and_hour END, chance(task_id, 'minute')), CAST($now AS TIMESTAMP))
      AS created_at
  FROM begun
), timed AS (
  SELECT *, hours(created_at, 1 + 200 * pow(chance(task_id, 'wait'), 4)) AS starts_at,
    hours(created_at, 2 + 200 * pow(chance(task_id, 'wait'), 4) + 400 * pow(chance(task_id, 'take'), 3)) AS ends_at
  FROM placed
)
SELECT user_id, task_id, created_at,
  CASE WHEN starts_at < CAST($now AS TIMESTAMP) AND chance(task_id, 'fate') < 0.9 THEN starts_at END AS started_at,
  CASE WHEN ends_at < CAST($now AS TIMESTAMP) AND chance(task_id, 'fate') < 0.84 THEN ends_at END AS completed_at,
  CASE WHEN chance(task_id, 'kind') < 0.1 THEN NULL
    WHEN chance(task_id, 'kind') < 0.8 THEN
      list_element(['Work', 'Home', 'Support', 'Engineering', 'Finance', 'Health', 'Garden', 'Travel and visas',
        'Customer success and account management', 'Réunions', '家族'],
        CAST(1 + floor(11 * pow(chance(task_id, 'which'), 1.7)) AS BIGINT))
    ELSE 'Project ' || CAST(floor(5000 * pow(chance(task_id, 'which'), 2)) AS BIGINT) END AS category,
  list_element(['low', 'medium', 'medium', 'high', 'urgent'], CAST(1 + hash(task_id, 9) % 5 AS BIGINT)) AS priority,
  CASE WHEN chance(task_id, 'due') < 0.6
    THEN CAST(created_at + to_days(CAST(1 + 24 * chance(task_id, 'when') AS BIGINT)) AS DATE) END AS due_date
FROM timed
"""
_CHANGES = """
CREATE TABLE changes_made AS
SELECT task_id, 1 AS version, 'INSERT' AS event_name, created_at AS changed_at, 'pending' AS status,
  CAST(NULL AS VARCHAR) AS old_status FROM work
UNION ALL SELECT task_id, 2, 'MODIFY', started_at, 'in_progress', 'pending' FROM work WHERE started_at IS NOT NULL
UNION ALL SELECT task_id, 3, 'MODIFY', completed_at, 'completed', 'in_progress' FROM work
  WHERE completed_at IS NOT NULL
"""
_BUCKET = "lpad(CAST(hash(user_id) % 16 AS VARCHAR), 2, '0') AS user_bucket"
_SILVER: Mapping[Table, str] = {
    USERS: f"""
SELECT user_id, concat(n, '@example.com') AS email, concat('user', n) AS username, name, joined AS created_at,
  joined AS updated_at, 1 AS version, user_id AS updated_by, concat('u', n) AS event_id,
  printf('%d', epoch_us(joined) * 10 + 4) AS sequence_number, joined AS event_time, '{{}}' AS image, {_BUCKET}
FROM people
""",
    TASKS: f"""
SELECT task_id, user_id, concat('Task ', task_id) AS title, priority, category, due_date, created_at, completed_at,
  CASE WHEN completed_at IS NOT NULL THEN 'completed' WHEN started_at IS NOT NULL THEN 'in_progress' ELSE 'pending' END
    AS status,
  coalesce(completed_at, started_at, created_at) AS updated_at,
  coalesce(completed_at, started_at, created_at) AS event_time,
  1 AS version, '{{}}' AS image, {_BUCKET}
FROM work
""",
    TASK_EVENTS: f"""
SELECT concat(c.task_id, '-', c.version) AS event_id, c.event_name, c.changed_at AS event_time, 'TASK' AS entity_type,
  printf('%d', epoch_us(c.changed_at) * 10 + c.version) AS sequence_number, concat('TASK#', w.user_id) AS pk,
  concat('TASK#', c.task_id) AS sk, w.user_id, c.task_id AS entity_id, c.changed_at, c.version,
  CASE WHEN c.version > 1 THEN c.version - 1 END AS old_version, c.status, c.old_status,
  concat('Task ', c.task_id) AS title, w.category, w.priority, w.due_date, w.created_at, c.changed_at AS updated_at,
  CASE WHEN c.status = 'completed' THEN c.changed_at END AS completed_at, '{{}}' AS image, {_BUCKET}
FROM changes_made c JOIN work w ON w.task_id = c.task_id
UNION ALL BY NAME
SELECT concat('u', n) AS event_id, 'INSERT' AS event_name, joined AS event_time, 'USER' AS entity_type,
  printf('%d', epoch_us(joined) * 10 + 4) AS sequence_number, concat('USER#', user_id) AS pk, 'METADATA' AS sk, user_id,
  user_id AS entity_id, joined AS changed_at, 1 AS version, joined AS created_at, joined AS updated_at, '{{}}' AS image,
  {_BUCKET}
FROM people
""",
}


def silver(folder: Path, people: int, now: datetime) -> dict[str, Path]:
    """Write Silver's three tables, one file each; return the files by table. No event is later than ``now`` (aware)."""
    session = duckdb.connect()
    session.execute(f"SET temp_directory = '{folder}/spill'; SET TimeZone = 'UTC'")
    session.execute(_MACROS)
    offered = {"now": now.replace(tzinfo=None), "days": DAYS, "people": people}
    for statement in (_PEOPLE, _TASKS, _CHANGES):
        session.execute(
            statement, {name: value for name, value in offered.items() if f"${name}" in statement}
        )
    files = {}
    for table, query in _SILVER.items():
        target = files[table.name] = folder / "silver" / table.name / "user_bucket=00" / "part-0.parquet"
        target.parent.mkdir(parents=True)
        session.execute(f"COPY ({query}) TO '{target}' (FORMAT parquet, COMPRESSION snappy)")
    session.close()
    return files


def gold(files: Mapping[str, Path], folder: Path, today: date) -> tuple[dict[str, bytes], dict[str, int]]:
    """Run the lake's Gold step on Silver's files in UTC; return each table's Parquet file and number of rows."""
    parameters = gold_parameters(today, "UTC")
    with Engine(folder / "spill", "6GB") as engine:
        for table in (TASK_EVENTS, TASKS, USERS):
            engine.read(table.name, table, [files[table.name]])
        for step in GOLD_STEPS:
            engine.run(step, sql_text("gold", step), parameters)
        rows = {table.name: engine.write(table, folder / f"{table.name}.parquet") for table in GOLD}
    return {table.name: (folder / f"{table.name}.parquet").read_bytes() for table in GOLD}, rows


def published(people: int, now: datetime) -> tuple[dict[str, bytes], dict[str, int]]:
    """Return Gold of a workspace of ``people``, as `gold` does."""
    with tempfile.TemporaryDirectory() as folder:
        return gold(silver(Path(folder), people, now), Path(folder), now.date())
