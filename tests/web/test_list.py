"""The list: sections by due date, tabs, pages, and what is on a row."""

from datetime import timedelta

import pytest

from tests.web.conftest import HTMX, read


def test_tasks_are_listed_in_sections_by_due_date(browser, add, today):
    add("No date")
    add("Late", due_date=str(today - timedelta(days=3)))
    add("Now", due_date=str(today))
    add("Later", due_date=str(today + timedelta(days=3)))
    answer = browser.get("/")
    assert answer.status_code == 200
    assert read(answer).sections() == {
        "overdue": ["Late"], "today": ["Now"], "upcoming": ["Later"], "undated": ["No date"],
    }  # fmt: skip


def test_nobody_is_sent_to_sign_in_and_back(client):
    answer = client.get("/?view=done")
    assert answer.status_code == 302
    assert answer["Location"] == "/login/?next=/%3Fview%3Ddone"


def test_other_peoples_tasks_are_not_listed(client_for, bob, add):
    add("Alice's secret")
    assert "secret" not in client_for(bob).get("/?view=all").content.decode()


def test_overdue_is_complete_however_many_tasks_there_are(browser, add, today):
    add("Forgotten", due_date=str(today - timedelta(days=90)))
    for number in range(55):
        add(f"Newer {number}")
    page = read(browser.get("/"))
    assert page.sections()["overdue"] == ["Forgotten"]
    assert sum(map(len, page.sections().values())) == 50


def test_pages_show_every_open_task_once(browser, add, today):
    wanted = [add(f"Dated {n:02}", due_date=str(today + timedelta(days=n))).title for n in range(53)]
    wanted += [add(f"Started {n}", status="in_progress").title for n in range(3)]
    wanted += [add(f"Undated {n:02}").title for n in range(52)]
    add("Done", status="completed")
    url, seen, pages = "/", [], 0
    while url and pages < 6:
        page = read(browser.get(url))
        seen += [title for titles in page.sections().values() for title in titles]
        more = [
            attrs["href"] for tag, attrs in page.tags if tag == "a" and "cursor=" in (attrs.get("href") or "")
        ]
        url, pages = (more[0] if more else ""), pages + 1
    assert sorted(seen) == sorted(wanted)
    assert seen[:53] == sorted(seen[:53])


def test_a_page_is_never_empty_while_more_follow(browser, add, today):
    add("The one without a date")
    for number in range(120):
        add(f"Dated {number}", due_date=str(today))
    url, pages = "/", []
    while url:
        page = read(browser.get(url))
        pages.append(sum(map(len, page.sections().values())))
        url = next((a["href"] for t, a in page.tags if t == "a" and "cursor=" in (a.get("href") or "")), "")
    assert sum(pages) == 121
    assert all(pages)


@pytest.mark.parametrize(("dated", "undated", "queries"), [(3, 3, 2), (60, 3, 1), (0, 60, 2)])
def test_a_page_takes_one_query_or_two_where_dated_tasks_end(
    browser, add, today, calls, dated, undated, queries
):
    for number in range(dated + undated):
        add(f"Task {number}", due_date=str(today) if number < dated else None)
    add("Done", status="completed")
    calls.clear()
    page = read(browser.get("/"))
    assert sum(map(len, page.sections().values())) == min(50, dated + undated)
    assert calls["Query"] == queries


def test_show_more_sends_only_what_follows(browser, add):
    for number in range(51):
        add(f"Task {number:02}")
    url = next(u for u in read(browser.get("/")).attributes("hx-get") if "cursor" in u)
    part = browser.get(url, headers=HTMX).content.decode()
    assert "Task 00" in part
    assert "<html" not in part
    assert 'hx-target="#s-undated"' in part


def test_a_cursor_of_another_list_starts_from_the_top(browser):
    for cursor in ("nonsense", "dated.nonsense", "dated.\u20ac", "\0"):
        answer = browser.get("/", {"cursor": cursor})
        assert (answer.status_code, answer.get("Location")) == (302, "/"), cursor


@pytest.mark.parametrize(
    ("view", "shown"),
    [("done", ["Was done"]), ("all", ["Was dropped", "Was done", "Is open"]), ("nonsense", ["Is open"])],
)
def test_tabs(browser, add, view, shown):
    add("Is open")
    add("Was done", status="completed")
    add("Was dropped", status="cancelled")
    sections = read(browser.get("/", {"view": view})).sections()
    assert [title for titles in sections.values() for title in titles] == shown


def test_the_day_is_that_of_the_browsers_time_zone(browser, add, today):
    add("Around midnight", due_date=str(today))
    sections = []
    for zone in ("Pacific/Kiritimati", "Pacific/Niue"):  # UTC+14 and UTC-11: never the same day
        browser.cookies["tz"] = zone
        sections.append([name for name, titles in read(browser.get("/")).sections().items() if titles])
    assert sections[0] != sections[1]


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../../etc/passwd", "", "a" * 3000, "Europe"])
def test_a_strange_time_zone_means_utc(browser, add, today, zone):
    add("Today", due_date=str(today))
    browser.cookies["tz"] = zone
    assert read(browser.get("/")).sections()["today"] == ["Today"]


def test_a_row_shows_what_matters(browser, add, today):
    add(
        "Pay <b>rent</b>", priority="urgent", category="Home & garden", tags=["bank"], status="in_progress",
        due_date=str(today), due_time="09:30",
    )  # fmt: skip
    page = read(browser.get("/"))
    for words in ("Pay <b>rent</b>", "Urgent", "Home & garden", "#bank", "In progress", "Today 09:30"):
        assert words in page.text
    assert "<b>rent" not in page.html


def test_everybodys_insights_are_offered_to_managers_only(browser, client_for, charlie):
    links = read(browser.get("/")).attributes("href")
    assert "/insights/me/" in links
    assert "/insights/" not in links
    assert "/insights/" in read(client_for(charlie).get("/")).attributes("href")


def test_an_empty_list_says_how_to_begin(browser):
    assert "write down the first thing" in read(browser.get("/")).text


def test_the_page_is_not_kept_by_caches(browser):
    assert "no-store" in browser.get("/")["Cache-Control"]
