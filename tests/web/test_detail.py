"""One task: Markdown, checklist, recurrence, duplicate, skip, inline editing, freshness, history."""

import re

import pytest

from etl.lake.layout import user_bucket
from store.writing import update, write
from tasks import checklists, history, selectors, services
from tasks.language import rule_words
from tests.web.conftest import HTMX, read
from web import athena, markdown


def url(task) -> str:
    return f"/tasks/{task.id}/"


@pytest.fixture
def opened(browser):
    return lambda task: read(browser.get(url(task))).fields


def test_shows_description_and_checklist(browser, add):
    task = add(
        "Trip",
        description="**Where** to?\n\n- sea",
        checklist=[{"text": "Ask", "done": True}, {"text": "Book"}],
    )
    page = read(browser.get(url(task)))
    assert "<strong>Where</strong> to?" in page.html
    assert page.fields["checklist"] == "[x] Ask\n[ ] Book"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**a** _b_ ~~c~~ `d`", "<p><strong>a</strong> <em>b</em> <s>c</s> <code>d</code></p>\n"),
        ("# Big", "<h3>Big</h3>\n"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>\n"),
        (
            "![x](https://e.com/a.png)",
            '<p>!<a href="https://e.com/a.png" rel="noopener noreferrer nofollow">x</a></p>\n',
        ),
        (
            '[x](https://e.com "t")',
            '<p><a href="https://e.com" title="t" rel="noopener noreferrer nofollow">x</a></p>\n',
        ),
        ("a\nb", "<p>a<br>\nb</p>\n"),
        ('<a href="x" onclick="y">z</a>', '<p>&lt;a href="x" onclick="y"&gt;z&lt;/a&gt;</p>\n'),
    ],
)
def test_markdown_is_safe(text, html):
    assert markdown.render(text) == html


def test_a_checklist_keeps_its_ids(browser, add, stored, opened):
    task = add("Trip", checklist=[{"text": "Ask"}, {"text": "Book"}, {"text": "Go"}])
    ids = [entry["id"] for entry in task.checklist]
    browser.post(url(task), opened(task) | {"checklist": "[x] Ask\nBook trains\n[ ] Go"})
    assert [(e["id"], e["text"], e["done"]) for e in stored(task).checklist] == [
        (ids[0], "Ask", True), (ids[1], "Book trains", False), (ids[2], "Go", False),
    ]  # fmt: skip
    browser.post(url(task), opened(task) | {"checklist": "- [ ] Go\n\n* New"})
    assert [(e["text"], e["id"] == ids[2]) for e in stored(task).checklist] == [("Go", True), ("New", False)]


def test_checklist_text_goes_round():
    entries = [{"id": "1", "text": "[x] odd", "done": False}, {"id": "2", "text": "b", "done": True}]
    assert checklists.parse(checklists.to_text(entries), entries) == [
        {"text": "[x] odd", "done": False, "id": "1"}, {"text": "b", "done": True, "id": "2"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("form", "rule"),
    [
        ({"recurrence": "FREQ=DAILY"}, "FREQ=DAILY"),
        ({"recurrence": "custom", "repeat_custom": "every 3 weeks"}, "FREQ=WEEKLY;INTERVAL=3"),
        (
            {"recurrence": "custom", "repeat_custom": "freq=monthly;bymonthday=15"},
            "FREQ=MONTHLY;BYMONTHDAY=15",
        ),
        ({"recurrence": ""}, None),
    ],
)
def test_recurrence(browser, add, stored, opened, form, rule):
    task = add("Rent", recurrence="FREQ=YEARLY;INTERVAL=4")
    assert opened(task)["recurrence"] == "FREQ=YEARLY;INTERVAL=4"
    assert browser.post(url(task), opened(task) | form).status_code == 302
    assert stored(task).recurrence == rule


@pytest.mark.parametrize("custom", ["sometimes", "every", "FREQ=HOURLY", "tomorrow", "every day at 9"])
def test_a_repeat_that_is_not_understood_is_told(browser, add, stored, opened, custom):
    task = add("Rent")
    answer = browser.post(url(task), opened(task) | {"recurrence": "custom", "repeat_custom": custom})
    assert answer.status_code == 422
    assert "Say how it repeats" in read(answer).text
    assert stored(task).version == 1


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("FREQ=DAILY", "Every day"),
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "Every 2 weeks on Monday and Thursday"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "Every weekday"),
        ("FREQ=MONTHLY;BYMONTHDAY=15;COUNT=3", "Every month on day 15, 3 times"),
        ("FREQ=YEARLY;UNTIL=20301231", "Every year, until 31 December 2030"),
        ("FREQ=MONTHLY;BYDAY=1MO", "Every month on the first Monday"),
        ("FREQ=MONTHLY;BYDAY=2TU,-1FR", "Every month on the second Tuesday and last Friday"),
        ("FREQ=MONTHLY;BYMONTHDAY=-1", "Every month on the last day"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,15", "Every month on day 1 and 15"),
        ("FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1", "Every month on day 30, or else the last day"),
        ("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1", "Every month on the last weekday"),
        ("FREQ=YEARLY;BYMONTH=11;BYDAY=4TH", "Every year in November on the fourth Thursday"),
        ("FREQ=YEARLY;BYDAY=20MO", "Every year on the 20. Monday of the year"),
        ("FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", "Every year in week 20 on Monday"),
        ("FREQ=YEARLY;BYYEARDAY=100", "Every year on day 100 of the year"),
        ("FREQ=DAILY;BYMONTH=1,6", "Every day in January and June"),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "Repeats in a way that cannot be read"),
    ],
)
def test_rules_in_words(rule, words):
    assert rule_words.in_words(rule) == words


def test_an_end_in_utc_is_a_day_of_the_task(add):
    zone = {"due_date": "2026-12-01", "due_time": "08:00", "timezone": "America/Los_Angeles"}
    task = add("Rent", recurrence="FREQ=DAILY;UNTIL=20261203T075959Z", repeat_from="done", **zone)
    assert rule_words.of_task(task) == "Every day, until 2 December 2026, counted from the day it is done"


BUILDER = {"recurrence": "custom", "repeat_custom": "", "repeat_every": "1", "repeat_ends": "never"}


@pytest.mark.parametrize(
    ("form", "rule"),
    [
        ({"repeat_unit": "DAILY", "repeat_every": "3"}, "FREQ=DAILY;INTERVAL=3"),
        ({"repeat_unit": "WEEKLY", "repeat_days": ["FR", "MO"]}, "FREQ=WEEKLY;BYDAY=MO,FR"),
        (
            {"repeat_unit": "MONTHLY", "repeat_on": "weekday", "repeat_place": "2", "repeat_weekday": "TU"},
            "FREQ=MONTHLY;BYDAY=2TU",
        ),
        ({"repeat_unit": "MONTHLY", "repeat_on": "last"}, "FREQ=MONTHLY;BYMONTHDAY=-1"),
        ({"repeat_unit": "MONTHLY", "repeat_on": "day"}, "FREQ=MONTHLY;BYMONTHDAY=-1"),
        ({"recurrence": "FREQ=MONTHLY"}, "FREQ=MONTHLY;BYMONTHDAY=-1"),
        (
            {"recurrence": "FREQ=MONTHLY", "due_date": "2027-01-30"},
            "FREQ=MONTHLY;BYMONTHDAY=28,29,30;BYSETPOS=-1",
        ),
        ({"recurrence": "FREQ=YEARLY", "due_date": "2028-02-29"}, "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=-1"),
        ({"repeat_unit": "YEARLY", "repeat_on": "day"}, "FREQ=YEARLY"),
        (
            {"repeat_unit": "DAILY", "repeat_ends": "until", "repeat_until": "2027-02-03"},
            "FREQ=DAILY;UNTIL=20270203",
        ),
        ({"repeat_unit": "DAILY", "repeat_ends": "count", "repeat_count": "5"}, "FREQ=DAILY;COUNT=5"),
    ],
)
def test_the_builder(browser, add, stored, opened, form, rule):
    task = add("Rent", due_date="2027-01-31")
    assert browser.post(url(task), opened(task) | BUILDER | form).status_code == 302
    assert stored(task).recurrence == rule
    again = opened(task)
    assert browser.post(url(task), again).status_code == 302
    assert (stored(task).version, stored(task).recurrence) == (2, rule)


def test_the_builder_shows_the_next_three_dates(browser, add, opened):
    task = add("Rent", due_date="2027-01-29")
    chosen = BUILDER | {"repeat_unit": "WEEKLY", "repeat_days": ["MO", "FR"], "due_date": "2027-01-29"}
    answer = browser.get("/tasks/repeats/", chosen, headers={"HX-Request": "true"})
    text = read(answer).text
    assert "Every week on Monday and Friday" in text
    assert all(day in text for day in ("Mon 1 Feb 2027", "Fri 5 Feb 2027", "Mon 8 Feb 2027"))
    page = read(browser.post(url(task), opened(task) | chosen | {"show": "1"}))
    assert "Mon 8 Feb 2027" in page.text
    assert "FREQ" not in page.text


def test_a_stored_rule_that_cannot_be_read_keeps_its_task(browser, add, stored, opened, alice):
    task = add("Rent", due_date="2027-01-29", recurrence="FREQ=DAILY")
    store_rule(task, "FREQ=MONTHLY;BYMONTHDAY=0")
    page = read(browser.get(url(task)))
    assert "cannot be read" in page.text
    assert "FREQ" not in page.text
    assert browser.post(url(task), opened(task) | {"title": "Rent!"}).status_code == 302
    assert (stored(task).title, stored(task).recurrence) == ("Rent!", "FREQ=MONTHLY;BYMONTHDAY=0")
    done = browser.post(f"{url(task)}complete/", {"to": "completed"}, headers={"HX-Request": "true"})
    assert "It does not repeat again" in read(done).text
    assert len(selectors.list_tasks(alice.id).items) == 1


def store_rule(task, rule):
    """Store a rule as an older version may have: without reading it."""
    current = selectors.get_task(task.user_id, task.id)
    write([update(current, current.changed(recurrence=rule))])


def test_editing_a_task_of_another_zone_keeps_its_zone(browser, add, stored, opened):
    task = add("Call", due_date="2027-01-29", due_time="09:00", timezone="Pacific/Auckland")
    page = read(browser.get(url(task)))
    assert "Times are in Pacific/Auckland" in page.text
    assert "Here it is" in page.text
    browser.post(url(task), opened(task) | {"due_date": "2027-01-30"})
    browser.post(url(task), opened(task) | {"due_time": "10:00"})
    assert (stored(task).due_date, stored(task).due_time) == ("2027-01-30", "10:00")
    assert stored(task).timezone == "Pacific/Auckland"


def test_skipping_moves_on_and_can_be_undone(browser, add, stored, today):
    task = add("Rent", recurrence="FREQ=DAILY;COUNT=3", due_date=str(today))
    part = read(browser.post(f"{url(task)}skip/", headers=HTMX))
    assert "Skipped" in part.text
    assert (stored(task).due_date > str(today), stored(task).recurrence) == (True, "FREQ=DAILY;COUNT=2")
    token = next(attrs["value"] for _, attrs in part.tags if attrs.get("name") == "token")
    browser.post("/tasks/undo/", {"token": token})
    assert (stored(task).due_date, stored(task).recurrence) == (str(today), "FREQ=DAILY;COUNT=3")


def test_what_does_not_repeat_cannot_be_skipped(browser, add, stored):
    task = add("Once")
    assert "does not repeat again" in read(browser.post(f"{url(task)}skip/", headers=HTMX)).text
    assert stored(task).version == 1


def test_a_duplicate_is_a_fresh_task(browser, add, stored, alice):
    task = add("Trip", status="completed", tags=["a"], checklist=[{"text": "Ask", "done": True}])
    answer = browser.post(f"{url(task)}duplicate/")
    copy = selectors.get_task(alice.id, answer["Location"].split("/")[2])
    assert copy.id != task.id
    assert (copy.title, copy.status, copy.tags, copy.completed_at) == ("Trip", "pending", ["a"], None)
    assert [(e["text"], e["done"]) for e in copy.checklist] == [("Ask", False)]


def test_saving_can_be_undone(browser, add, stored, opened):
    task = add("Old", description="d")
    browser.post(url(task), opened(task) | {"title": "New", "description": ""})
    page = read(browser.get("/"))
    token = next(attrs["value"] for _, attrs in page.tags if attrs.get("name") == "token")
    browser.post("/tasks/undo/", {"token": token})
    assert (stored(task).title, stored(task).description) == ("Old", "d")


def test_one_comes_back_to_where_one_was(browser, add, opened):
    task = add("Rent")
    for back, there in (
        ("/board/?q=rent", "/board/?q=rent"),
        ("//evil.example/", "/"),
        ("/admin/", "/"),
        ("", "/"),
    ):
        assert browser.post(url(task), opened(task) | {"back": back})["Location"] == there


# --- A line edited in its place ------------------------------------------------------------------------------


def test_a_line_is_edited_in_its_place(browser, add, stored, today):
    task = add("Rent")
    form = read(browser.get(f"{url(task)}inline/?edit=1", headers=HTMX)).fields
    part = read(
        browser.post(f"{url(task)}inline/", form | {"title": "Pay", "due_date": str(today)}, headers=HTMX)
    )
    assert (stored(task).title, stored(task).due_date) == ("Pay", str(today))
    assert "Saved “Pay”" in part.text
    assert 'hx-target="#s-today, #s-all"' in part.html


def test_a_line_that_changed_meanwhile_is_shown_and_not_overwritten(browser, add, stored, ctx, alice):
    task = add("Rent")
    form = read(browser.get(f"{url(task)}inline/?edit=1", headers=HTMX)).fields
    services.update_task(ctx(alice), task.id, {"title": "Elsewhere"})
    answer = browser.post(f"{url(task)}inline/", form | {"title": "Mine"}, headers=HTMX)
    assert answer.status_code == 409
    page = read(answer)
    assert "Title is now: Elsewhere" in page.text
    assert (page.fields["title"], page.fields["version"]) == ("Mine", "2")  # what was typed is not lost
    assert stored(task).title == "Elsewhere"
    form |= {name: value for name, value in page.fields.items() if name in form}
    browser.post(f"{url(task)}inline/", form, headers=HTMX)
    assert stored(task).title == "Mine"


def test_a_line_sent_twice_is_no_conflict(browser, add, stored):
    task = add("Rent")
    form = read(browser.get(f"{url(task)}inline/?edit=1", headers=HTMX)).fields | {"title": "Mine"}
    assert [browser.post(f"{url(task)}inline/", form, headers=HTMX).status_code for _ in range(2)] == [
        200,
        200,
    ]
    assert stored(task).version == 2


@pytest.mark.parametrize("form", [{"title": ""}, {"title": "x" * 201}, {"due_date": "soon"}, {"version": ""}])
def test_a_wrong_line_is_told(browser, add, stored, form):
    task = add("Rent")
    given = read(browser.get(f"{url(task)}inline/?edit=1", headers=HTMX)).fields | form
    assert browser.post(f"{url(task)}inline/", given, headers=HTMX).status_code == 422
    assert stored(task).version == 1


def test_without_htmx_a_line_is_the_whole_task(browser, add):
    task = add("Rent")
    assert browser.get(f"{url(task)}inline/")["Location"] == url(task)


# --- News and history ----------------------------------------------------------------------------------------


def test_an_open_page_learns_of_changes(browser, add, ctx, alice):
    task = add("Rent")
    assert browser.get(f"{url(task)}fresh/?version=1", headers=HTMX).status_code == 204
    services.update_task(ctx(alice), task.id, {"title": "Elsewhere"})
    assert "changed elsewhere" in read(browser.get(f"{url(task)}fresh/?version=1", headers=HTMX)).text
    services.delete_task(ctx(alice), task.id)
    assert "deleted elsewhere" in read(browser.get(f"{url(task)}fresh/?version=2", headers=HTMX)).text


def event(version, image, name="MODIFY", entity="TASK", by="u"):
    at = f"2026-11-22T10:00:0{version}.000000Z"
    return {
        "event_name": name, "entity_type": entity, "changed_at": at, "version": version, "updated_by": by,
        "request_id": f"r{version}", "image": image,
    }  # fmt: skip


def test_events_say_what_changed():
    rows = [
        event(1, '{"title": "a", "status": "pending"}', "INSERT"),
        event(2, '{"title": "b", "status": "pending", "tags": ["x"]}', by="admin"),
        event(3, '{"title": "b"}', "INSERT", "TRASH"),
        event(4, '{"title": "b", "status": "pending"}', "INSERT"),
    ]
    found = history.events(rows)
    assert [(e.kind, e.by) for e in found] == [
        ("restored", "u"),
        ("deleted", "u"),
        ("changed", "admin"),
        ("created", "u"),
    ]
    assert [(c.field, c.before, c.after) for c in found[2].changes] == [
        ("title", "a", "b"),
        ("tags", None, ["x"]),
    ]


def test_the_history_page(browser, add, alice, monkeypatch):
    task = add("Rent")
    asked = []

    def run(sql, values, timeout):
        asked.append(values)
        rows = [event(1, '{"title": "Rent", "status": "pending"}', "INSERT", by=alice.id)]
        return athena.Answer(rows, "q", 0, 0)

    monkeypatch.setattr(athena, "run", run)
    for _ in range(2):
        page = read(browser.get(f"{url(task)}history/"))
        assert "You added this task" in page.text
        assert "within a minute" not in page.text
    assert asked == [
        (user_bucket(alice.id), alice.id, task.id)
    ]  # asked once: up to version 1 it never changes


def test_the_history_says_when_it_is_incomplete_or_cannot_be_read(browser, add, monkeypatch):
    task = add("Rent")
    monkeypatch.setattr(athena, "run", lambda *_, **__: athena.Answer([], "q", 0, 0))
    assert "within a minute" in read(browser.get(f"{url(task)}history/", headers=HTMX)).text

    def down(*_, **__):
        raise athena.AthenaError("down")

    monkeypatch.setattr(athena, "run", down)
    assert "cannot be read right now" in read(browser.get(f"{url(task)}history/")).text


@pytest.mark.parametrize(
    ("language", "rule", "words"),
    [
        ("en", "FREQ=WEEKLY;COUNT=1", ["Every", "day", "week", "month", "year", "time"]),
        ("en", "FREQ=WEEKLY;INTERVAL=2;COUNT=3", ["Every", "days", "weeks", "months", "years", "times"]),
        ("de", "FREQ=WEEKLY;COUNT=1", ["Abstand", "Tag", "Woche", "Monat", "Jahr", "Mal"]),
        ("de", "FREQ=WEEKLY;INTERVAL=2;COUNT=3", ["Abstand", "Tage", "Wochen", "Monate", "Jahre", "Mal"]),
    ],
)
def test_the_builder_counts_in_the_singular_and_in_the_plural(browser, add, language, rule, words):
    task = add("Water", recurrence=rule, due_date="2026-12-01")
    browser.cookies["language"] = language
    page = read(browser.get(url(task)))
    builder = page.html[page.html.index('<fieldset class="field-custom') :].partition("</fieldset>")[0]
    shown = re.findall(r"<(?:label|option|span)[^>]*?(?:id_repeat_every|data-one)[^>]*>([^<]+)<", builder)
    assert shown == words


def test_no_page_shows_a_rule(browser, add):
    """People read how a task repeats in words, also where the rule cannot be read."""
    fine = add("Fine", due_date="2026-12-01", recurrence="FREQ=MONTHLY;BYDAY=2TU;COUNT=3")
    broken = add("Broken", due_date="2026-12-02", recurrence="FREQ=DAILY")
    write([update(broken, broken.changed(recurrence="FREQ=MONTHLY;BYMONTHDAY=0"))])
    gone = add("Gone", due_date="2026-12-03", recurrence="FREQ=DAILY")
    browser.post(f"/tasks/{gone.id}/delete/")
    pages = ["/", "/board/", "/calendar/", "/?q=is:recurring", "/trash/", url(fine), url(broken)]
    pages += [f"/tasks/snooze/?ids={fine.id}", f"/tasks/{broken.id}/"]
    texts = {path: read(browser.get(path)).text for path in pages}
    answers = [
        browser.post(f"/tasks/{task.id}/complete/", {"to": "completed"}, headers=HTMX)
        for task in (fine, broken)
    ]
    texts |= {task.title: read(answer).text for task, answer in zip((fine, broken), answers, strict=True)}
    assert {path for path, text in texts.items() if "FREQ" in text.replace("(FREQ)", "")} == set()
    assert "How this task repeats cannot be read" in texts[url(broken)]
    assert "It does not repeat again: how it repeats could not be read." in texts["Broken"]
