"""``manage.py list_invalid_rules``: the open tasks whose recurrence rule cannot be read."""

from typing import Any

from store import reading
from store.model import FEED_SHARDS
from tasks import recurrence
from tasks.items import OPEN_STATUSES, TaskItem
from web.commands import ResultCommand


class Command(ResultCommand):
    """Writes a line for each task: owner, task and rule, separated by tabs."""

    help = (
        "List the open tasks of everybody whose recurrence rule is not one of RFC 5545 or never comes: owner, id, "
        "rule and what is wrong with it, one task a line. They stay as they are; completed, they do not come again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Read all tasks, one page at a time: memory does not grow with their number."""
        rule = TaskItem.recurrence.exists() & TaskItem.status.is_in(*OPEN_STATUSES)
        for shard in range(FEED_SHARDS):
            place = f"FEED#TASK#{shard}"
            for task in reading.query_all(
                TaskItem, place, index="GSI5", consistent=False, filter_condition=rule
            ):
                try:
                    recurrence.parse(str(task.recurrence))
                except recurrence.InvalidRule as error:
                    found = {
                        "user_id": task.user_id,
                        "id": task.id,
                        "rule": task.recurrence,
                        "error": str(error),
                    }
                    self.show(options["json"], found, ["\t".join(map(str, found.values()))])
