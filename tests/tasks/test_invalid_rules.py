"""``manage.py list_invalid_rules``"""

import io

from django.core.management import call_command

from store.writing import update, write
from tasks import services


def test_it_lists_open_tasks_whose_rule_cannot_be_read_or_never_comes(ctx, alice):
    def add(title, rule, **fields):
        task = services.create_task(
            ctx(alice), {"title": title, "recurrence": "FREQ=DAILY", "due_date": "2027-01-29", **fields}
        ).task
        # Stored as an older version may have: without reading it.
        write([update(task, task.changed(recurrence=rule))])
        return task

    broken = add("Broken", "FREQ=MONTHLY;BYMONTHDAY=0")
    never = add("Never", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30")
    done = add("Done", "FREQ=MONTHLY;BYMONTHDAY=0", status="completed")
    fine = add("Fine", "FREQ=WEEKLY")
    out = io.StringIO()
    call_command("list_invalid_rules", stdout=out)
    listed = {cells[1]: cells for cells in (line.split("\t") for line in out.getvalue().splitlines())}
    assert listed[broken.id][:3] == [alice.id, broken.id, "FREQ=MONTHLY;BYMONTHDAY=0"]
    assert listed[broken.id][3].startswith("the numbers of BYMONTHDAY go from")
    assert listed[never.id][2:] == ["FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "it never comes"]
    assert not {done.id, fine.id} & listed.keys()
