"""A workspace to look at: every kind of task, very long words among them."""

from datetime import UTC, datetime, timedelta

LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 2


# Tasks for pictures that are to look like somebody's own.
MORE = (
    {"title": "Compare train passes", "status": "in_progress", "category": "Travel", "tags": ["family"]},
    {"title": "Paint the kitchen shelf", "status": "in_progress", "category": "Home"},
    {"title": "Return the library books", "status": "completed", "tags": ["errands"]},
    {"title": "Choose a new bicycle", "status": "completed", "category": "Home"},
    {"title": "Write to Grandpa", "status": "completed"},
)


def fill(ctx, make_context, *, odd: bool = True) -> str:
    """Give the owner of ``ctx`` tasks of every kind, and return the id of the one with everything in it.

    Without ``odd``, tasks that test the layout are left out, and a few that fill the board come in.

    ``make_context`` makes a context for an instant, so that the tasks differ in age.
    """
    from tasks import services

    today = datetime.now(UTC).date()
    day = lambda offset: str(today + timedelta(days=offset))  # noqa: E731
    rows = [
        {"title": "Send the quarterly report", "due_date": day(-6), "priority": "urgent", "category": "Work",
         "tags": ["q4"]},
        {"title": "Renew the passport", "due_date": day(-1), "priority": "high", "category": "Papers"},
        {"title": "Pay rent", "due_date": day(0), "due_time": "09:00", "recurrence": "FREQ=MONTHLY",
         "category": "Home", "tags": ["bank"]},
        {"title": "Water the plants", "due_date": day(0), "recurrence": "FREQ=DAILY;INTERVAL=3", "priority": "low"},
        {"title": "Call Mum", "due_date": day(1), "due_time": "18:00", "status": "in_progress"},
        {"title": "Book a table for eight", "due_date": day(2), "category": "Friends", "tags": ["dinner", "birthday"]},
        {"title": "Dentist", "due_date": day(5), "due_time": "14:30", "priority": "high", "category": "Health"},
        {"title": "Tax return", "due_date": day(24), "priority": "urgent", "category": "Papers"},
        {"title": "Learn to juggle"},
        {"title": LONG[:190], "category": LONG[:50], "tags": [LONG[:50]]},
        {"title": "חדשות: לקנות חלב", "priority": "high"},
        {"title": "Sell the old bicycle", "status": "in_progress", "category": "Home"},
        {"title": "Read the manual", "status": "completed"},
        {"title": "Fix the tap", "status": "completed", "category": "Home"},
        {"title": "Learn the trombone", "status": "cancelled"},
    ]  # fmt: skip
    if not odd:
        rows = [
            row for row in rows if row["title"][0] in "ABCDEFLPRSTW" and LONG[:20] not in row["title"]
        ] + list(MORE)
    for number, row in enumerate(rows):
        services.create_task(make_context(number), row)
    whole = services.create_task(
        make_context(len(rows)),
        {
            "title": "Plan the summer trip", "priority": "high", "category": "Travel", "tags": ["family", "2027"],
            "due_date": day(3), "due_time": "20:00", "recurrence": "FREQ=YEARLY",
            "description": "Where shall we **go**?\n\n- the _sea_\n- the mountains\n\n> As long as it is far away.\n\n"
            "See [the map](https://example.com/map). `code` too.",
            "checklist": [{"text": "Ask everybody", "done": True}, {"text": "Compare trains"}, {"text": "Book"}],
        },
    ).task  # fmt: skip
    gone = services.create_task(make_context(90), {"title": "Buy a boat", "category": "Dreams"}).task
    services.delete_task(make_context(91), gone.id)
    return str(whole.id)
