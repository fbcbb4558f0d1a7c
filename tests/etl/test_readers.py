"""Queries through the local Athena while the job publishes and dies: each answer is of one commit, none goes back."""

import threading
from collections import Counter
from random import Random

import pytest

from etl.lake.layout import user_bucket
from tests.etl.deaths import Watch
from tests.etl.harness import NOW
from tests.etl.own_lake import OwnLake
from tests.etl.world import World

pytestmark = [pytest.mark.slow, pytest.mark.long]
PEOPLE = [f"user-{number}" for number in range(24)]
# Answers that tell any two commits apart, and any mixture of their buckets, files or tables.
QUESTIONS = {
    "task_events": "SELECT user_bucket, count(*) FROM task_events GROUP BY user_bucket ORDER BY user_bucket",
    "tasks": "SELECT user_id, count(*), sum(version) FROM tasks GROUP BY user_id ORDER BY user_id",
    "user_analytics": "SELECT user_id, total_events FROM user_analytics ORDER BY user_id",
    "change_facts": "SELECT user_id, count(task_id) FROM change_facts GROUP BY user_id ORDER BY user_id",
}

# Where a run dies: before a write of this step, when so many of the step were made. Elsewhere no reader could tell.
DEATHS = {"silver/_current.json": 0, "batch_update_partition": 2, "gold/_commit.json": 0, "update_table": 7}


class Reader:
    """Asks again and again, in a thread of its own; `seen` has by table which of the answers came, in order."""

    def __init__(self, own):
        self.own, self.seen, self.wrong = own, {table: [] for table in QUESTIONS}, []
        self.asked, self.done = threading.Semaphore(0), threading.Event()
        self.thread = threading.Thread(target=self.read_on)

    def read_on(self):
        try:
            while not self.done.is_set():
                self.look()
                self.asked.release()
        except Exception as error:  # noqa: BLE001  the main thread raises it
            self.wrong.append(error)
            self.asked.release(1_000)

    def look(self):
        for table, question in QUESTIONS.items():
            self.seen[table].append(tuple(self.own.rows(question)))

    def wait(self):
        """Until it has read everything once more from its beginning, after this was called."""
        while self.asked.acquire(blocking=False):
            pass
        for _ in range(2):
            self.asked.acquire()

    def stop(self):
        self.done.set()
        self.thread.join()


class Versions:
    """People at work, round by round, and the answers that are right after each."""

    def __init__(self):
        self.world, self.random, self.answers = World(), Random(3), {table: [()] for table in QUESTIONS}

    def work(self):
        """One more round; its changes."""
        begun = len(self.world.history)
        for person in PEOPLE:
            self.world.tick(60)
            if not begun:
                self.world.create_user(person)
            self.world.create_task(person)
            self.world.change_task(*self.random.choice(self.world.task_ids()), title=f"round {begun}")
        for table in QUESTIONS:
            self.answers[table].append(tuple(sorted(getattr(self, table)())))
        return self.world.history[begun:]

    def task_events(self):
        return Counter(user_bucket(change.pk.partition("#")[2]) for change in self.world.history).items()

    def tasks(self):
        items = list(self.world.live("TASK").values())
        for person in {item["user_id"] for item in items}:
            versions = [item["version"] for item in items if item["user_id"] == person]
            yield person, len(versions), sum(versions)

    def user_analytics(self):
        return Counter(change.pk.partition("#")[2] for change in self.world.history).items()

    def change_facts(self):
        tasks = [change for change in self.world.history if change.pk.startswith("TASK#")]
        return Counter(change.pk.partition("#")[2] for change in tasks).items()


@pytest.fixture
def own(tmp_path):
    return OwnLake(tmp_path)


@pytest.fixture
def reader(own):
    reader = Reader(own)
    reader.thread.start()
    yield reader
    reader.stop()


def test_readers_see_whole_tables_through_every_death(own, reader, lake):
    """A round for each death: the run dies, with some of the tables moved, and another takes over."""
    versions, watch = Versions(), Watch(own.s3, own.glue)
    for step, done in DEATHS.items():
        lake.deliver(versions.work())
        own.put_bronze(lake.s3.buckets.pop("bronze"))
        watch.killed(
            lambda name=step: own.process(f"dies at {name}").run(NOW),
            lambda moment, what, at=(step, done): (what, watch.made[step]) == at,  # noqa: B023
        )
        reader.wait()
        own.process(f"after {step}").run(NOW)
        reader.wait()
    reader.stop()
    assert not reader.wrong
    for table, answers in versions.answers.items():
        met = [answers.index(answer) for answer in reader.seen[table]]
        assert met == sorted(met), f"{table} went back: {met}"
        assert met[-1] == len(DEATHS)
        assert len(set(met)) > len(DEATHS) // 2, "it has read all the time"
