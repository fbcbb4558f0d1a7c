"""Takes over the Silver of an older version, which had one file a partition and stored `tasks` and `users`.

The files of events and of the quarantine stay. The states of tasks and profiles are made of the events, removed ones
included: the stored tables did not have those. Nothing is read from Bronze. What the pointer was stays as
`silver/_before.json`, with its files, for `manifest.GO_BACK`: put back, it takes this back.
"""

import json
from datetime import UTC, datetime

from etl.jobs.steps import SILVER_STATES, silver_parameters, sql_text
from etl.jobs.workspace import Files, Workspace
from etl.lake import manifest
from etl.lake.layout import SILVER_BEFORE, SILVER_CURRENT
from etl.lake.manifest import File, Manifest
from etl.lake.storage import Bucket
from etl.lake.tables import QUARANTINE, TASK_EVENTS, TASK_STATES, TASKS, USER_STATES, USERS
from etl.log import log


def take_over(silver: Bucket, workspace: Workspace) -> None:
    """Replace a manifest of the format before with one of today's; leave any other."""

    def plan(current: Manifest) -> Manifest | None:
        if current.format == manifest.FORMAT or not current.sequence:
            return None
        stored = silver.get_json(SILVER_CURRENT)
        if stored and stored[0].get("format") == manifest.OLD_FORMAT:
            silver.put(SILVER_BEFORE, json.dumps(stored[0]).encode())
        now = datetime.now(UTC)
        commit = manifest.new_name(now)
        parts: Files = {}
        for bucket, part in current.parts(QUARANTINE.name).items():
            parts[QUARANTINE.name, bucket] = list(part.files)
        for bucket, part in current.parts(TASK_EVENTS.name).items():
            parts |= _of_bucket(workspace, commit, bucket, list(part.files))
        return current.taken_over_by(commit, now, parts, (TASKS.name, USERS.name))

    before, after = manifest.commit(silver, plan)
    if after:
        log("silver", "took over the lake of an older version", commit=after.commit, before=before.commit)


def _of_bucket(workspace: Workspace, commit: str, bucket: str, files: list[File]) -> Files:
    """The files of events with their days, and those of the states that are made of them."""
    with workspace.engine() as engine:
        engine.read(TASK_EVENTS.name, TASK_EVENTS, workspace.silver_files(file.key for file in files))
        days = "min(CAST(event_time AS date)), max(CAST(event_time AS date))"
        ((first, last),) = engine.rows(TASK_EVENTS.name, days)
        made: Files = {}
        for step, table in zip(SILVER_STATES, (TASK_STATES, USER_STATES), strict=True):
            engine.run(step, sql_text("silver", step), silver_parameters(datetime.now(UTC).date()))
            made |= workspace.store(engine, table, commit)
    dated = (
        [File(file.key, file.rows, file.bytes, str(first), str(last)) for file in files] if first else files
    )
    return {(TASK_EVENTS.name, bucket): dated, **made}
