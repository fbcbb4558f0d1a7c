"""Makes what runs add to the tallies on real Spark, in the environment that has it.

    .venv-spark/bin/python -m tests.etl.spark_tallies PLAN FOLDER

PLAN is JSON: `files` of task_events, the event ids of each run in `runs`, a person whom the last run erases, `today`
and `timezone`. What a run adds to a table is in FOLDER/RUN/TABLE; FOLDER/done.json has the version.
"""

import json
import sys
from datetime import date
from pathlib import Path

from etl.engine.spark import SparkEngine
from etl.jobs import tallies
from etl.lake.tables import TASK_EVENTS
from tests.etl.spark_session import SMALL, session

PEOPLE = "user_id, category, priority, status, day, measure, key, n"


class Runs:
    """The runs of a plan, on one engine."""

    def __init__(self, engine: SparkEngine, plan: dict, folder: Path) -> None:
        self.engine, self.spark, self.folder = engine, engine.spark, folder
        self.values = tallies.parameters(date.fromisoformat(plan["today"]), plan["timezone"])
        self.seen: list[str] = []
        engine.read("all_events", TASK_EVENTS, plan["files"])
        texts = "user_id string, category string, priority string, status string, measure string"
        nobody = self.spark.createDataFrame([], f"{texts}, day date, key bigint, n bigint")
        nobody.createOrReplaceTempView("kept_people")

    def ids(self, name: str, events: list[str]) -> None:
        self.spark.createDataFrame([(event,) for event in events], "event_id string").createOrReplaceTempView(
            name
        )

    def post(self, number: int, news: list[str]) -> None:
        self.ids("news", news)
        self.ids("seen", self.seen)
        self.engine.run(
            "known_events",
            "SELECT e.* FROM all_events e LEFT SEMI JOIN seen s ON s.event_id = e.event_id",
            {},
        )
        self.engine.run(
            "new_events", "SELECT e.* FROM all_events e LEFT SEMI JOIN news n ON n.event_id = e.event_id", {}
        )
        self.engine.run(
            "known_people",
            "SELECT p.* FROM kept_people p LEFT SEMI JOIN new_events e ON e.user_id = p.user_id",
            {},
        )
        tallies.add_news(self.engine, self.values)
        self.seen += news
        self.keep(number)

    def erase(self, number: int, user_id: str) -> None:
        self.ids("seen", self.seen)
        own = "SELECT e.* FROM all_events e LEFT SEMI JOIN seen s ON s.event_id = e.event_id WHERE e.user_id = :user"
        self.engine.run("events_before", own, {"user": user_id})
        self.engine.run("events_after", "SELECT * FROM events_before WHERE false", {})
        self.engine.run("known_people", "SELECT * FROM kept_people WHERE user_id = :user", {"user": user_id})
        tallies.add_difference(self.engine, self.values)
        self.keep(number)

    def keep(self, number: int) -> None:
        for name in tallies.MADE:
            self.spark.table(name).coalesce(1).write.parquet(
                str(self.folder / str(number) / name), mode="overwrite"
            )
        kept = self.spark.sql(f"SELECT {PEOPLE} FROM kept_people UNION ALL SELECT {PEOPLE} FROM people")
        kept.persist().createOrReplaceTempView("kept_people")


def main(plan_file: Path, folder: Path) -> None:
    plan = json.loads(plan_file.read_text())
    spark = session("tallies", 2, SMALL)
    with SparkEngine(spark) as engine:
        runs = Runs(engine, plan, folder)
        for number, news in enumerate(plan["runs"]):
            runs.post(number, news)
        runs.erase(len(plan["runs"]), plan["erased"])
    (folder / "done.json").write_text(json.dumps({"spark": spark.version}))
    spark.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
