"""Gold: every figure of the business, computed from Silver as one snapshot and published table by table.

Two objects in S3 tell the story. `gold/_commit.json` says which snapshot is the latest, by conditional write, so that
of two overlapping runs one wins. `gold/_current.json` says which snapshot readers see in Glue: it is written after
every table has been moved, so whoever keys a cache by its `snapshot` never files old rows under a new name. Just before
it, `gold/_kpis.json` gets the key figures of the snapshot, for those who do not want to ask Athena.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from etl.jobs import quality
from etl.jobs.steps import GOLD_STAGING, GOLD_STEPS, gold_definition, gold_parameters, sql_text
from etl.jobs.workspace import Engine, Workspace
from etl.lake import manifest
from etl.lake.commit import commit_json
from etl.lake.config import LakeConfig
from etl.lake.glue_partitions import move_table
from etl.lake.latest import current_sql
from etl.lake.layout import GOLD_COMMIT, GOLD_CURRENT, GOLD_KPIS, gold_file, gold_folder
from etl.lake.manifest import Manifest
from etl.lake.storage import Bucket, ConflictError, in_parallel
from etl.lake.tables import GOLD, KPIS, TASK_EVENTS, VIEWS, Table
from etl.log import iso, log, timed

# What `gold/_current.json` holds of the commit.
SHOWN = [
    "snapshot",
    "sequence",
    "published_at",
    "as_of",
    "today",
    "timezone",
    "silver_commit",
    "tables",
    "checks",
]
SOURCES = (TASK_EVENTS, *VIEWS.values())
_NONE: dict[str, Any] = {"snapshot": "", "sequence": 0, "snapshots": {}, "input": None}


class Gold:
    """The Gold job.

    Parameters
    ----------
    config, s3, glue
        The lake and its boto3 clients.
    workspace
        Runs the SQL.
    """

    def __init__(self, config: LakeConfig, s3: Any, glue: Any, workspace: Workspace) -> None:
        self.config = config
        self.glue = glue
        self.workspace = workspace
        self.silver = Bucket(config.silver_bucket, s3)
        self.gold = Bucket(config.gold_bucket, s3)
        self._settled = ""
        self._refused: dict[str, Any] = {}
        self._today = ""

    def run(self, now: datetime | None = None) -> dict[str, Any] | None:
        """Publish a snapshot of Silver as it is, unless the last one has the same input, date and definition.

        Parameters
        ----------
        now
            Decides the reporting date; the clock's time where None.

        Returns
        -------
        dict or None
            The commit; None where there was nothing to publish.
        """
        moment = now or datetime.now(UTC)
        took: dict[str, Any] = {}
        held, commit = commit_json(
            self.gold, GOLD_COMMIT, lambda last: self._plan(last or _NONE, moment, took)
        )
        last = held or _NONE
        if commit is None:
            self._settle(last["snapshot"])
            return None
        with timed(took, "glue_ms"):
            self._settle(commit["snapshot"])
        self._clean(last, commit)
        log("gold", "published", duration_ms=sum(took.values()), **_summary(commit), **took)
        return dict(commit)

    def is_past(self, now: datetime) -> bool:
        """Whether the reporting date has changed since the snapshot this process last saw."""
        return self._today != self.config.today(now).isoformat()

    def _plan(self, last: Mapping[str, Any], now: datetime, took: dict[str, Any]) -> dict[str, Any] | None:
        # Silver is read after the last commit: a run that sees older input than that commit's cannot replace it.
        took.clear()
        source = manifest.load(self.silver)
        if source.format != manifest.FORMAT:
            return None
        wanted = _input(source.content, self.config.today(now), self.config)
        if last["input"] == wanted:
            return None
        if (self._refused or quality.refused(self.gold) or {}).get("input") == wanted:
            return None
        snapshot = manifest.new_name(datetime.now(UTC))
        with self.workspace.engine() as engine:
            with timed(took, "transform_ms"):
                try:
                    results = self._transform(engine, source, wanted)
                except quality.QualityError as error:
                    self._refuse(wanted, error)
                    return None
            with timed(took, "publish_ms"):
                rows = self.workspace.write_gold(engine, snapshot)
        return self._next(last, snapshot, source, wanted, rows) | results

    def _refuse(self, wanted: Mapping[str, str], error: quality.QualityError) -> None:
        """Readers keep the last good snapshot; the same input is not tried again."""
        log("gold", "not published", level="ERROR", status="refused", failed=str(error))
        quality.refuse(self.gold, wanted, error)
        self._refused = {"input": dict(wanted)}

    def _transform(self, engine: Engine, source: Manifest, wanted: Mapping[str, str]) -> dict[str, Any]:
        parameters = gold_parameters(date.fromisoformat(wanted["today"]), wanted["timezone"])
        for table in SOURCES:
            engine.read(table.name, table, self.workspace.silver_files(source.files(table.name)))
        for view in VIEWS:
            engine.run(view.name, current_sql(view), parameters)
            engine.detach(view.name)
        for step in GOLD_STEPS:
            engine.run(step, sql_text("gold", step), parameters)
            if step in GOLD_STAGING:
                engine.detach(step)
        engine.run("quality", sql_text("checks", "quality"), parameters)
        found = list(engine.rows("quality", "name, failures, examined"))
        read = {table.name: engine.count(table.name) for table in SOURCES}
        latest = engine.latest(TASK_EVENTS.name, "event_time")
        checks = quality.require(quality.judge(found, read, source, latest, self._published_as_of()))
        return {"checks": checks, "kpis": dict(engine.rows(KPIS.name, "metric, value"))}

    def _published_as_of(self) -> str:
        found = self.gold.get_json(GOLD_CURRENT)
        return str(found[0]["as_of"]) if found else ""

    def _next(
        self,
        last: Mapping[str, Any],
        snapshot: str,
        source: Manifest,
        wanted: Mapping[str, str],
        rows: Mapping[str, int],
    ) -> dict[str, Any]:
        now = datetime.now(UTC)
        return {
            "snapshot": snapshot,
            "sequence": last["sequence"] + 1,
            "published_at": iso(now),
            "as_of": source.as_of,
            "today": wanted["today"],
            "timezone": wanted["timezone"],
            "input": dict(wanted),
            "silver_commit": source.content,
            "tables": {
                name: {"rows": count, "location": self.gold.url(gold_folder(name, snapshot))}
                for name, count in rows.items()
            },
            "snapshots": self._kept(last["snapshots"], now) | {snapshot: iso(now)},
        }

    def _kept(self, snapshots: Mapping[str, str], now: datetime) -> dict[str, str]:
        """Of the published snapshots, those somebody may still be reading, and the newest in any case."""
        limit = iso(now - timedelta(seconds=self.config.keep_seconds))
        newest = sorted(snapshots)[-(self.config.keep_snapshots - 1) :]
        return {name: at for name, at in snapshots.items() if name in newest or at >= limit}

    def _settle(self, snapshot: str) -> None:
        """Make Glue and `_current.json` say what `_commit.json` says, whoever else is doing the same."""
        while self._settled != snapshot:
            commit, etag = self._latest()
            self._move_tables(commit["tables"])
            # Whoever moves tables last looks last, so Glue ends at the latest commit whatever the order.
            if self.gold.etag(GOLD_COMMIT) == etag and self._announce(commit):
                self._settled, self._today = commit["snapshot"], commit["today"]
                return

    def _latest(self) -> tuple[dict[str, Any], str]:
        found = self.gold.get_json(GOLD_COMMIT)
        if found is None:
            raise FileNotFoundError(f"{self.gold.url(GOLD_COMMIT)} is gone")
        return found

    def _move_tables(self, locations: Mapping[str, Mapping[str, Any]]) -> None:
        def move(table: Table) -> None:
            move_table(self.glue, self.config.database, table, locations[table.name]["location"])

        in_parallel(move, GOLD)

    def _announce(self, commit: Mapping[str, Any]) -> bool:
        current, etag = self.gold.get_json(GOLD_CURRENT) or ({"sequence": 0}, None)
        if current["sequence"] >= commit["sequence"]:
            return True
        self._write_kpis(commit)
        try:
            self.gold.replace_json(GOLD_CURRENT, {name: commit[name] for name in SHOWN}, etag)
        except ConflictError:
            return False
        return True

    def _write_kpis(self, commit: Mapping[str, Any]) -> None:
        kpis = {name: commit[name] for name in ("snapshot", "sequence", "published_at")}
        kpis["values"] = commit.get("kpis", {})  # a commit of an older version has none

        def plan(held: Mapping[str, Any] | None) -> dict[str, Any] | None:
            return None if held and held["sequence"] >= commit["sequence"] else kpis

        commit_json(self.gold, GOLD_KPIS, plan)

    def _clean(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        if self._refused or self.gold.get(quality.REFUSED):
            self.gold.delete([quality.REFUSED])
            self._refused = {}
        gone = before["snapshots"].keys() - after["snapshots"].keys()
        self.gold.delete(gold_file(table.name, snapshot) for snapshot in sorted(gone) for table in GOLD)


def _input(content: str, today: date, config: LakeConfig) -> dict[str, str]:
    """Everything a snapshot depends on."""
    return {
        "silver": content,
        "today": today.isoformat(),
        "timezone": str(config.timezone),
        "definition": gold_definition(),
    }


def _summary(commit: Mapping[str, Any]) -> dict[str, Any]:
    rows = {name: table["rows"] for name, table in commit["tables"].items()}
    return {"snapshot": commit["snapshot"], "as_of": commit["as_of"], "today": commit["today"], "rows": rows}
