"""One task: Markdown, checklist, recurrence, duplicate, skip, inline editing, freshness, history."""

import pytest

from etl.lake.layout import user_bucket
from tasks import checklists, history, selectors, services
from tasks.language import repeats
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


@pytest.mark.parametrize("custom", ["", "sometimes", "every", "FREQ=HOURLY", "tomorrow", "every day at 9"])
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
        ("FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", "Every 2 weeks on Monday, Thursday"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "Every weekday"),
        ("FREQ=MONTHLY;BYMONTHDAY=15;COUNT=3", "Every month on day 15, 3 times"),
        ("FREQ=YEARLY;UNTIL=20301231", "Every year, until 2030-12-31"),
        ("FREQ=MONTHLY;BYDAY=1MO", "FREQ=MONTHLY;BYDAY=1MO"),
    ],
)
def test_rules_in_words(rule, words):
    assert repeats.in_words(rule) == words


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
