"""The calendar feeds of everybody in the whole demo workspace, as calendar programs read them"""

import pytest

from tasks import calendar_feed
from tasks.demo.storyline import storyline
from tasks.items import OPEN_STATUSES
from tests import feeds
from tests.demo.test_load import NOW, SEED, workspace  # noqa: F401  a fixture

SIZE = {"people": 40, "tasks": 2000, "months": 6}  # that of `manage.py load_demo`


@pytest.mark.long
def test_every_program_reads_the_same_instants(workspace):  # noqa: F811
    workspace.load(**SIZE, workers=6)
    rules = 0
    for email in {event.email for event in storyline(SEED, NOW, **SIZE)}:
        user_id = workspace.user_id(email)
        tasks = [
            task
            for task in workspace.items("TASK", user_id)
            if task["status"] in OPEN_STATUSES and task.get("due_date")
        ]
        wanted = feeds.meant_together(tasks)
        feed = calendar_feed.render(user_id, NOW.date())
        for read in (feeds.by_icalendar, feeds.by_icaljs, feeds.by_libical):
            assert read(feed) == wanted, (read.__name__, email)
        rules += sum("recurrence" in task for task in tasks)
    assert rules
