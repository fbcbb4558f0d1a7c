"""The page as a manager's browser gets it: through the site, from the local Athena, S3 and Glue."""

from __future__ import annotations

import dataclasses
import gzip
import json
import re
import threading
import time

import pytest

from identity import roles
from insights import cache
from insights.formats import data_size
from insights.questions import BY_SLUG, CHARTS, EVERYBODYS
from tests.insights.lake import TODAY, Workspace, percentile
from tests.insights.reading import article, table, text, tile
from tests.roles import OWNER
from web import athena as warehouse

SLUGS = [question.slug for question in CHARTS]
ASKED = len(EVERYBODYS) + 1  # and the choices of the filters


@pytest.fixture
def broken(monkeypatch):
    """Return a function that gives a question another SQL text, and returns how to put that right."""

    def breaks(slug: str, sql: str):
        original, wanted = warehouse.run, BY_SLUG[slug].sql

        def run(text, values=(), timeout=20):
            return original(sql, (), timeout) if text == wanted else original(text, values, timeout)

        monkeypatch.setattr(warehouse, "run", run)
        return lambda: monkeypatch.setattr(warehouse, "run", original)

    return breaks


def test_the_page_shows_the_figures_of_the_workspace(page, gold_lake, workspace):
    html = page()
    days = {d for d in workspace.days() if (TODAY - d).days < 30}
    created = [t for t in workspace.tasks if t.created.date() in days]
    finished = [t.lead_hours for t in workspace.tasks if t.completed and t.completed.date() in days]
    mean = sum(finished) / len(finished) / 24
    overdue = sum(task.overdue(workspace.now) for task in workspace.tasks)
    assert tile(html, "All tasks").startswith(f"All tasks {len(workspace.tasks):,} ▲")
    assert tile(html, "Created").startswith(f"Created {len(created)} ")
    assert tile(html, "Completed").startswith(f"Completed {len(finished)} ")
    assert tile(html, "Open").startswith(f"Open {len(workspace.open())} ")
    assert tile(html, "Overdue").startswith(f"Overdue {overdue} ")
    assert tile(html, "Average lead time").startswith(f"Average lead time {mean:.1f} days ")
    p50, p85, p95 = (percentile(finished, p) / 24 for p in (0.5, 0.85, 0.95))
    assert (
        f"half took at most {p50:.1f} days, 85% at most {p85:.1f} days and 95% at most {p95:.1f} days."
        in html
    )
    for slug in SLUGS:
        words = text(article(html, slug))
        assert str(BY_SLUG[slug].title) in words
        assert str(BY_SLUG[slug].definition) in words


def test_every_figure_has_its_numbers_as_a_table(page, gold_lake, workspace):
    html = page()
    rows = table(article(html, "throughput"))
    assert len(rows) == 30
    assert rows[0][0] == "22 Nov 2026"
    created = sum(t.created.date() == TODAY for t in workspace.tasks)
    assert rows[0][1] == str(created)
    for slug in SLUGS:
        assert table(article(html, slug))
        assert "against the 30 days before" in article(html, slug) or slug == "retention"


def test_figures_are_data_in_the_page(page, gold_lake):
    html = page()
    assert html.count('type="application/json"') == len(SLUGS) - 1
    for slug in set(SLUGS) - {"top-users"}:
        source = re.search(
            rf'<script id="figure-{slug}" type="application/json">(.*?)</script>', html, re.DOTALL
        )[1]
        assert json.loads(source)["data"]


def test_the_period_is_in_the_url_and_needs_no_script(page, gold_lake):
    html = page("?days=90")
    tags = " ".join(html.split())
    assert '<form class="range" method="get" action="/insights/" aria-label="Period">' in tags
    assert '<button type="submit" name="days" value="90" aria-current="true">90 days</button>' in tags
    assert len(table(article(html, "throughput"))) == 90
    assert "25 Aug 2026 to 22 Nov 2026; the data do not reach back far enough to compare" in text(html)
    assert "24 Oct 2026 to 22 Nov 2026, compared with the 30 days before" in text(page())
    assert "24 Oct 2026 to 22 Nov 2026, not compared" in text(page("?compare=no"))


def test_anything_else_as_period_is_the_default(page, gold_lake):
    assert len(table(article(page("?days=1;DROP"), "throughput"))) == 30


PAGES = [
    "cards/throughput/",
    "throughput.csv",
    "tasks/?event=created&from=2026-11-01&to=2026-11-22",
    "tasks.csv?standing=open&on=2026-11-22",
    "me/",
    "me/cards/weeks/",
]
PATHS = ["", "cards/throughput/", "throughput.csv", "tasks/?event=created&from=2026-11-01&to=2026-11-22"]


@pytest.mark.parametrize("path", [*PATHS, "tasks.csv?event=created&from=2026-11-01&to=2026-11-22"])
def test_who_is_no_manager_is_told_why(client_for, alice, path):
    answer = client_for(alice).get(f"/insights/{path}")
    assert answer.status_code == 403
    assert "managers" in answer.content.decode()


@pytest.mark.parametrize("path", [*PATHS, "me/", "me/throughput.csv", "me/tasks/"])
def test_who_is_not_signed_in_signs_in_first(client, path):
    answer = client.get(f"/insights/{path}")
    assert answer.status_code == 302
    assert answer["Location"].startswith("/login/")


def test_admins_may_look_too(client_for, make_account, gold_lake, settings):
    settings.INSIGHTS_PAGE_SECONDS = 30
    assert client_for(make_account("Ada", groups=("admins",))).get("/insights/").status_code == 200


def test_before_anything_is_published_the_page_says_so(page, lake):
    lake.remove_pointer()
    assert "Nothing has been published yet" in page()


def test_a_warehouse_that_cannot_be_reached_is_no_error_page(manager, gold_lake, monkeypatch):
    def refuse(service):
        raise warehouse.AthenaError("no")

    monkeypatch.setattr(warehouse, "current_snapshot", lambda: refuse("s3"))
    answer = manager.get("/insights/")
    assert answer.status_code == 503
    assert "Try again" in answer.content.decode()


def test_a_failing_query_degrades_only_its_card(page, fresh_lake, broken):
    broken("ageing", "SELECT nothing FROM no_such_table")
    html = page()
    failed = article(html, "ageing")
    assert "This could not be loaded" in failed
    assert re.search(r"Query <code>[0-9a-f-]{8,}</code>", failed)
    assert 'data-retry href="/insights/?days=30#card-ageing"' in " ".join(failed.split())
    for slug in set(SLUGS) - {"ageing"}:
        assert table(article(html, slug))


def test_a_failing_query_is_asked_again_next_time(page, fresh_lake, broken):
    repair = broken("ageing", "SELECT nothing FROM no_such_table")
    assert "This could not be loaded" in page()
    repair()
    assert "This could not be loaded" not in text(page())


def test_failing_key_figures_leave_the_charts(page, fresh_lake, broken):
    broken("kpis", "SELECT nothing FROM no_such_table")
    html = page()
    assert '<li class="card tile">' not in html
    assert "This could not be loaded" in html
    assert table(article(html, "throughput"))


@pytest.fixture
def held(monkeypatch):
    """Hold back one question until ``held.set()``."""
    release = threading.Event()
    original = warehouse.run
    wanted = BY_SLUG["activity"].sql

    def run(sql, values=(), timeout=20):
        if sql == wanted:
            release.wait(30)
        return original(sql, values, timeout)

    monkeypatch.setattr(warehouse, "run", run)
    yield release
    release.set()


def test_a_slow_query_does_not_hold_the_page_and_loads_by_itself(manager, fresh_lake, settings, held):
    settings.INSIGHTS_PAGE_SECONDS = 0.5
    waiting = article(manager.get("/insights/?days=90").content.decode(), "activity")
    assert "data-pending" in waiting
    assert 'data-card="/insights/cards/activity/?days=90"' in waiting
    held.set()
    card = manager.get("/insights/cards/activity/?days=90")
    assert card.status_code == 200
    assert "data-pending" not in card.content.decode()
    assert table(card.content.decode())


def out_of_time(deadline, execution):
    """As if the query still ran when its time is over."""
    raise warehouse._DeadlineOver


def test_a_query_out_of_time_is_cancelled_in_athena(manager, fresh_lake, monkeypatch, aws_calls):
    monkeypatch.setattr(warehouse._Deadline, "__call__", out_of_time)
    card = manager.get("/insights/cards/ageing/")
    assert card.status_code == 503
    assert "This took too long" in card.content.decode()
    assert "athena.StopQueryExecution" in aws_calls


def test_a_warm_page_asks_athena_nothing(page, fresh_lake, aws_calls):
    cold = page("?days=180")
    assert aws_calls.count("athena.StartQueryExecution") == ASKED
    page("?days=180")  # what a process reads now and then, such as who was signed out, is fresh now
    aws_calls.clear()
    warm = page("?days=180")
    assert [call for call in aws_calls if call.startswith(("athena.", "glue."))] == []
    assert len(aws_calls) <= 2, aws_calls
    assert f"From cache {ASKED} of {ASKED} answers" in text(warm)
    assert re.sub(r"\d+ of \d+ answers", "", text(warm)) == re.sub(r"\d+ of \d+ answers", "", text(cold))
    assert len(gzip.compress(warm.encode())) < 60_000


WARM = ["dynamodb.GetItem", "s3.GetObject"]  # the session, and which snapshot is published


@pytest.mark.parametrize("path", ["", "?days=180", "?days=90&category=Support&compare=no", *PAGES])
def test_what_a_warm_page_calls(manager, gold_lake, settings, aws_calls, path):
    """Every call is counted, whoever makes it; what a process reads now and then is read just before."""
    settings.INSIGHTS_PAGE_SECONDS, settings.GROUPS_SECONDS = 30, 3600
    manager.get(f"/insights/{path}")
    aws_calls.clear()
    assert manager.get(f"/insights/{path}").status_code == 200
    assert sorted(aws_calls) == WARM


def test_a_managers_groups_are_read_beside_their_pages(
    manager, charlie, cognito, gold_lake, settings, aws_calls
):
    """Before what is known of them is too old; a change in Cognito itself is learned so too."""
    settings.INSIGHTS_PAGE_SECONDS, settings.GROUPS_SECONDS = 30, 3600
    manager.get("/insights/")
    cognito.admin_remove_user_from_group(
        UserPoolId=settings.USER_POOL_ID, Username=charlie.username, GroupName="managers"
    )
    aws_calls.clear()
    assert manager.get("/insights/").status_code == 200
    grown_older(charlie.username, 1801)
    deadline = time.monotonic() + 20
    while roles.groups.peek(charlie.username):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert sorted(aws_calls) == WARM
    aws_calls.clear()
    assert manager.get("/insights/").status_code == 403
    assert aws_calls == ["dynamodb.GetItem", "dynamodb.PutItem"]  # the session learns it too


def grown_older(username: str, seconds: int) -> None:
    entry = roles.groups._entries[username]
    entry.read_at = entry.read_at._replace(wall=entry.read_at.wall - seconds)


def test_groups_that_are_too_old_are_read_by_the_request(
    manager, charlie, gold_lake, settings, monkeypatch, aws_calls
):
    """In a process that was frozen."""
    settings.INSIGHTS_PAGE_SECONDS, settings.GROUPS_SECONDS = 30, 3600
    manager.get("/insights/")
    monkeypatch.setattr(roles.groups, "_wanted", list)  # as if the thread were still frozen
    grown_older(charlie.username, 3601)
    aws_calls.clear()
    assert manager.get("/insights/").status_code == 200
    assert sorted(aws_calls) == ["cognito-idp.AdminListGroupsForUser", *WARM]


def test_the_first_page_of_a_session_knows_the_goal(client_for, alice, gold_lake, settings, aws_calls):
    settings.INSIGHTS_PAGE_SECONDS = 30
    earlier = client_for(alice)
    earlier.get("/insights/me/")
    earlier.post("/insights/me/goal/", {"goal": "12"})
    later = client_for(alice)
    aws_calls.clear()
    assert "of 12 tasks" in later.get("/insights/me/").content.decode()
    assert sorted(aws_calls) == WARM
    later.post("/insights/me/goal/", {"goal": "9"})
    aws_calls.clear()
    assert "of 9 tasks" in earlier.get("/insights/me/").content.decode()
    assert sorted(aws_calls) == WARM


def test_a_new_process_finds_the_answers_in_s3(page, fresh_lake, aws_calls):
    page()
    cache.memory.clear()
    aws_calls.clear()
    assert f"From cache {ASKED} of {ASKED} answers" in text(page())
    assert aws_calls.count("s3.GetObject") == 2  # the pointer and the page's answers
    assert not any(call.startswith("athena.") for call in aws_calls)


def test_a_new_snapshot_is_seen_at_once(page, gold_lake, workspace, lake):
    before = page()
    fewer = Workspace(workspace.tasks[:-50], workspace.names)
    lake.publish(fewer)
    after = page()
    assert tile(before, "All tasks").startswith(f"All tasks {len(workspace.tasks):,} ")
    assert tile(after, "All tasks").startswith(f"All tasks {len(fewer.tasks):,} ")


def test_answers_from_the_middle_of_publishing_are_not_kept(page, fresh_lake, workspace, lake):
    """The catalog already points to the next snapshot, the pointer does not yet."""
    first = warehouse.current_snapshot()
    next_one = lake.write(Workspace(workspace.tasks[:-50], workspace.names))
    lake.switch(next_one, only="daily_throughput")
    page()
    lake.switch(next_one)
    kept = fresh_lake.s3.list_objects_v2(Bucket=fresh_lake.bucket, Prefix=f"cache/{first.id}/")
    assert kept["KeyCount"] == 0
    lake.point(next_one, workspace.now)
    html = page()
    assert f"From cache 0 of {ASKED} answers" in text(html)
    created = sum(int(row[1]) for row in table(article(html, "throughput")))
    days = {d for d in workspace.days() if (TODAY - d).days < 30}
    assert created == sum(t.created.date() in days for t in workspace.tasks[:-50])


def test_the_footer_tells_age_and_cost(page, gold_lake):
    words = text(re.search(r'<footer class="freshness">.*?</footer>', page(), re.DOTALL)[0])
    assert "Data as of 22 Nov 2026, 17:20:03 UTC" in words
    assert "Pipeline lag 1.5 s" in words
    assert re.search(r"Scanned \d", words)


def test_the_footer_counts_what_athena_says_it_scanned(page, fresh_lake, settings):
    athena = OWNER.client("athena")

    def executions() -> set[str]:
        listed = athena.list_query_executions(WorkGroup=settings.ATHENA_WORKGROUP)
        return set(listed["QueryExecutionIds"])

    before = executions()
    shown = text(page())
    asked = sorted(executions() - before)
    described = athena.batch_get_query_execution(QueryExecutionIds=asked)["QueryExecutions"]
    scanned = sum(execution["Statistics"]["DataScannedInBytes"] for execution in described)
    assert len(asked) == ASKED
    assert scanned > 10_000
    assert f"Scanned {data_size(scanned)} From cache 0 of {ASKED} answers" in shown


def test_csv_holds_the_rows_of_the_question(manager, gold_lake, workspace):
    answer = manager.get("/insights/throughput.csv?days=90")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="throughput-90-days.csv"'
    assert lines[0] == "day,created,completed,reopened,deleted"
    assert len(lines) == 91
    today = [t for t in workspace.tasks if t.created.date() == TODAY]
    assert lines[-1].startswith(f"2026-11-22,{len(today)},")


@pytest.mark.parametrize("slug", sorted(BY_SLUG.keys() - {"choices"}))
def test_every_question_has_a_csv(manager, gold_lake, slug):
    answer = manager.get(f"/insights/{'me/' if slug in {'streaks', 'weeks'} else ''}{slug}.csv")
    header = answer.content.decode("utf-8-sig").split("\r\n")[0]
    assert header == ",".join(column.name for column in BY_SLUG[slug].columns)


@pytest.mark.parametrize("path", ["nothing.csv", "cards/nothing/"])
def test_unknown_questions_are_not_found(manager, gold_lake, path):
    assert manager.get(f"/insights/{path}").status_code == 404


def test_only_reading_is_allowed(manager):
    assert manager.post("/insights/").status_code in {403, 405}


def test_what_people_write_cannot_break_out(page, lake, workspace):
    nasty = "</script><script>alert(1)</script>\"'&<b>"
    tasks = [dataclasses.replace(task, category=nasty) for task in workspace.tasks[-200:]]
    lake.publish(Workspace(tasks, dict.fromkeys(workspace.names, nasty)))
    html = page()
    assert "<script>alert" not in html
    assert "<b>" not in html
    assert html.count("<script") == html.count("</script>")
