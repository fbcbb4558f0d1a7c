"""Filters, drill-down, the personal dashboard, the API and warming: through the site, on the local Athena."""

from __future__ import annotations

import csv
import io
import re
from html import escape, unescape
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.core.management import call_command

from insights import cache, drill_down, filters, predicates, warming
from insights.api import AnswerOut
from insights.questions import CHARTS
from tests.api.test_list_tasks import following
from tests.insights.lake import TODAY, Workspace
from tests.insights.reading import article, table, text, tile
from web import answers, athena

SPAN = "from=2026-10-24&to=2026-11-22"


def support(workspace):
    return [task for task in workspace.tasks if task.category == "Support"]


def created(tasks, days=30):
    return sum((TODAY - task.created.date()).days < days for task in tasks)


def test_a_filter_restricts_every_figure(page, gold_lake, workspace):
    html = page("?category=Support")
    assert tile(html, "All tasks").startswith(f"All tasks {len(support(workspace)):,} ")
    assert tile(html, "Created").startswith(f"Created {created(support(workspace))} ")
    assert table(article(html, "categories"))[0][0] == "Support"
    assert '<option value="Support" selected>Support</option>' in html


def test_filters_add_up(page, gold_lake, workspace):
    mine = [t for t in support(workspace) if t.user_id == "user-07" and t.now_status == "completed"]
    html = page("?category=Support&user=user-07&status=completed&priority=low")
    assert tile(html, "All tasks").startswith(f"All tasks {len(mine)} ")
    assert "No task matches these filters" in page("?category=Support&priority=urgent")


def test_every_link_keeps_the_whole_state(page, gold_lake):
    html = page("?user=user-07&days=90&compare=no&nonsense=1")
    state = "days=90&amp;compare=no&amp;user=user-07"
    for target in ("throughput.csv", "cards/throughput/", "tasks/"):
        links = re.findall(rf'"/insights/{target}\?([^"]*)"', html)
        assert links
        assert all(link.startswith(state) for link in links)
    assert '<input type="hidden" name="user" value="user-07">' in html  # changing the range keeps the filter


def test_a_name_leads_to_the_page_about_it_alone(page, manager, gold_lake, workspace):
    """Also beyond the fifty that the filters offer: from a drill-down."""
    for path, name, value in (
        ("/insights/?days=90&compare=no&priority=low", workspace.names["user-07"], "user=user-07"),
        (
            f"/insights/tasks/?days=90&compare=no&priority=low&event=created&{SPAN}",
            "Support",
            "category=Support",
        ),
    ):
        html = manager.get(path).content.decode()
        (link,) = set(re.findall(rf'<a href="([^"]*)">{re.escape(escape(name))}</a>', html))
        assert set(parse_qsl(urlsplit(unescape(link)).query)) == {
            *parse_qsl(value),
            *parse_qsl("days=90&compare=no&priority=low"),
        }
        assert manager.get(unescape(link)).status_code == 200


def test_what_is_chosen_stays_among_the_choices(page, gold_lake):
    html = page("?category=Somewhere%20else&user=somebody")
    assert '<option value="Somewhere else" selected>' in html
    assert '<option value="somebody" selected>' in html


def test_the_comparison_can_be_left_out(page, gold_lake):
    html = page("?compare=no")
    assert "against the 30 days before" not in html
    assert " from " not in tile(html, "Created")
    assert len(re.search(r'id="figure-throughput".*?</script>', html, re.DOTALL)[0].split('"type"')) == 4


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({"priority": "nonsense", "status": "x", "days": "7"}, filters.State()),
        ({"category": "a" * 500}, filters.State(filters=filters.Filters(category="a" * 200))),
        ({"category": "\x00"}, filters.State()),
        ({"compare": "no", "days": "90"}, filters.State(90, compare=False)),
    ],
)
def test_a_query_string_is_read_kindly(given, state):
    assert filters.state_from(given) == state
    assert filters.state_from(dict(state.pairs())) == state


class TestDrillDown:
    """From a value of a chart to its tasks."""

    def test_lists_the_tasks_of_a_predicate(self, manager, gold_lake, workspace):
        html = manager.get(f"/insights/tasks/?days=30&event=completed&{SPAN}&in=Support").content.decode()
        done = [t for t in support(workspace) if t.completed and (TODAY - t.completed.date()).days < 30]
        assert {row[0] for row in table(html)} == {task.id for task in done}
        assert f"{len(done)} tasks" in text(html)
        assert "Completed from 24 Oct 2026 to 22 Nov 2026 in Support" in text(html)

    def test_the_filters_of_the_page_hold(self, manager, gold_lake, workspace):
        mine = [t for t in support(workspace) if t.user_id == "user-07" and created([t])]
        html = manager.get(
            f"/insights/tasks/?category=Support&user=user-07&event=created&{SPAN}"
        ).content.decode()
        assert {row[0] for row in table(html)} == {task.id for task in mine}

    def test_titles_only_where_they_may_be_shown(self, manager, gold_lake, settings, aws_calls):
        query = f"event=created&{SPAN}&by=user-07"
        for path in ("tasks/", "tasks.csv"):
            body = manager.get(f"/insights/{path}?{query}").content.decode()
            assert "About task-" not in body
            assert "itle" not in body.split("<tbody>")[0].split("<thead>")[-1]
        settings.INSIGHTS_SHOW_TITLES = True
        for path in ("tasks/", "tasks.csv"):
            assert "About task-" in manager.get(f"/insights/{path}?{query}").content.decode()

    def test_titles_do_not_even_leave_the_warehouse(self, gold_lake):
        predicate = predicates.from_query(dict(parse_qsl(f"event=created&{SPAN}")))
        rows = drill_down.drill_down(predicate, filters.State()).table.rows
        assert {row["title"] for row in rows} == {None}

    def test_many_tasks_come_in_pages(self, manager, gold_lake, workspace):
        found = []
        for number in (1, 2, 3, 4):
            html = manager.get(f"/insights/tasks/?event=created&{SPAN}&page={number}").content.decode()
            found += [row[0] for row in table(html)]
        assert len(found) == len(set(found)) == created(workspace.tasks)
        assert "Next page" not in html

    def test_csv_has_all_of_them(self, manager, gold_lake, workspace):
        answer = manager.get(f"/insights/tasks.csv?event=created&{SPAN}")
        rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
        assert len(rows) == created(workspace.tasks)
        assert "title" not in rows[0]

    def test_csv_that_no_answer_holds_goes_on_at_its_link(self, manager, gold_lake, workspace, monkeypatch):
        address, found, pages = f"/insights/tasks.csv?event=created&{SPAN}", [], 0
        whole = list(csv.reader(io.StringIO(manager.get(address).content.decode("utf-8-sig"))))
        monkeypatch.setattr(answers, "BUDGET", 8000)
        while address:
            answer = manager.get(address)
            assert len(answer.content) < 8500
            header, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
            assert header == whole[0]
            found, pages = found + rows, pages + 1
            link = re.fullmatch(r'<http://testserver([^>]+)>; rel="next"', answer.get("Link", ""))
            address = link and link[1]
        assert pages > 1
        assert found == whole[1:]

    @pytest.mark.parametrize(
        "query",
        [
            "",
            "event=eaten&from=2026-01-01&to=2026-01-02",
            "event=created&from=x&to=2026-01-02",
            "event=created",
            "standing=open&on=2026-11-22&oldest=-1",
            "cohort=2026-11-02&week=one",
            f"event=created&{SPAN}&in=%00",
        ],
    )
    def test_an_invalid_predicate_is_not_found(self, manager, gold_lake, query):
        assert manager.get(f"/insights/tasks/?{query}").status_code == 404
        assert manager.get(f"/insights/tasks.csv?{query}").status_code == 404

    def test_every_number_on_the_page_leads_somewhere(self, page, manager, gold_lake):
        html = page()
        for question in CHARTS:
            links = re.findall(r'<a href="(/insights/tasks/[^"]*)">([^<]+)</a>', article(html, question.slug))
            assert links, question.slug
            link, number = links[-1]
            answer = manager.get(unescape(link))
            assert answer.status_code == 200
            counted = re.search(
                r"([\d,]+) tasks?(?:, counted ([\d,]+) times)?", text(answer.content.decode())
            )
            if question.slug != "retention":  # whose numbers are shares of people
                assert number in counted.groups()

    @pytest.mark.parametrize(
        "query",
        [
            f"event=changed&{SPAN}&weekday=1&hour=0",
            "standing=open&on=2026-11-22&youngest=7&oldest=13&in=Support&by=user-07",
            f"time=cycle&{SPAN}&low=24&high=48&beyond=%2Cdb5eb84117%2C",
            "cohort=2026-11-02&week=2&besides=%1Fuser-07%1F",
        ],
    )
    def test_a_predicate_is_written_as_it_was_read(self, query):
        predicate = predicates.from_query(dict(parse_qsl(query)))
        assert predicate.query == query
        assert predicates.from_query(dict(parse_qsl(predicate.query))) == predicate

    def test_a_link_of_an_earlier_version_lists_names(self):
        names = [f"{'語' * 48}{number:02}" for number in range(50)]
        old = "\x1f" + "\x1f".join(names) + "\x1f"
        query = dict(parse_qsl(f"event=created&{SPAN}"))
        predicate = predicates.from_query({**query, "beyond": old})
        assert predicate.except_categories == predicates.category_digests(names)
        assert len(predicate.query) < 1000

    @pytest.mark.parametrize("path", ["tasks/", "tasks.csv"])
    @pytest.mark.parametrize("name", ["beyond", "besides"])
    def test_a_list_that_no_query_takes_is_refused(self, manager, name, path):
        query = f"event=created&{SPAN}&{name}="
        long = manager.get(f"/insights/{path}?{query}{'a,' * 511}x")
        assert long.status_code == 422
        assert "lists more categories or people" in long.content.decode()
        quotes = manager.get(f"/insights/{path}?{query}{'%27' * 600}")
        assert quotes.status_code == 422, "Athena gets each of them twice"

    def test_parameters_of_other_kinds_are_ignored(self):
        read = predicates.from_query(dict(parse_qsl(f"event=created&{SPAN}&low=5&week=x")))
        assert read == predicates.from_query(dict(parse_qsl(f"event=created&{SPAN}")))


class TestMe:
    """A person's own page."""

    @pytest.fixture
    def mine(self, lake, workspace, alice):
        """The busy workspace, in which some tasks are Alice's."""
        import dataclasses

        tasks = [
            dataclasses.replace(t, user_id=alice.id) if t.user_id == "user-07" else t for t in workspace.tasks
        ]
        lake.publish(Workspace(tasks, {**workspace.names, alice.id: alice.name}))
        return [task for task in tasks if task.user_id == alice.id]

    def get(self, client_for, account, settings, path=""):
        settings.INSIGHTS_PAGE_SECONDS = 30
        answer = client_for(account).get(f"/insights/me/{path}")
        assert answer.status_code == 200
        return answer.content.decode()

    def test_shows_the_figures_of_the_person(self, client_for, alice, settings, mine):
        html = self.get(client_for, alice, settings)
        assert tile(html, "All tasks").startswith(f"All tasks {len(mine)} ")
        assert "Active people" not in text(html)
        done = {task.completed.date() for task in mine if task.completed}
        assert re.search(r"your longest was (\d+) day", html)[1] == str(longest_run(done))

    def test_it_never_shows_anothers_data_whatever_the_url_says(
        self, client_for, alice, bob, settings, mine, workspace
    ):
        others = set(workspace.names.values())
        created = f"event=created&{SPAN}"
        for path in (
            "?user=user-03",
            f"?user={bob.id}&person=user-03&owner=user-03&days=180",
            "cards/throughput/?user=user-03",
            "throughput.csv?user=user-03",
            f"tasks/?{created}&user=user-03",
            f"tasks/?{created}&by=user-03",
            f"tasks/?{created}&besides=%1F{alice.id}%1F",
            f"tasks.csv?{created}&by=user-03&user=user-03",
        ):
            html = self.get(client_for, alice, settings, path)
            shown = set(re.findall(r"task-\d+", html))
            assert shown <= {task.id for task in mine}, path
            assert not [name for name in others if name in html], path
        same = self.get(client_for, alice, settings, f"tasks.csv?{created}")
        assert same == self.get(client_for, alice, settings, f"tasks.csv?{created}&by=user-03&user=user-03")
        assert self.get(client_for, bob, settings, "throughput.csv").count(",0,0,0,0") == 60

    def test_everybodys_questions_are_not_asked_there(self, client_for, alice, mine):
        for slug in ("top-users", "retention", "choices"):
            assert client_for(alice).get(f"/insights/me/{slug}.csv").status_code == 404

    def test_own_titles_are_shown(self, client_for, alice, settings, mine):
        assert "About task-" in self.get(client_for, alice, settings, f"tasks/?event=created&{SPAN}")

    def test_a_weekly_goal_is_kept(self, client_for, alice, bob, settings, mine):
        browser = client_for(alice)
        settings.INSIGHTS_PAGE_SECONDS = 30
        assert "Set how many tasks" in browser.get("/insights/me/").content.decode()
        answer = browser.post("/insights/me/goal/", {"goal": "12"})
        assert (answer.status_code, answer["Location"]) == (302, "/insights/me/")
        week = sum(bool(t.completed and (TODAY - t.completed.date()).days < 7) for t in mine)
        assert re.search(rf"{week} of 12 tasks this week", browser.get("/insights/me/").content.decode())
        assert "it counts all your tasks" in browser.get("/insights/me/?category=Support").content.decode()
        assert (
            "of 12 tasks" in client_for(alice).get("/insights/me/").content.decode()
        )  # from another browser
        assert "Set how many tasks" in client_for(bob).get("/insights/me/").content.decode()
        browser.post("/insights/me/goal/", {"goal": ""})
        assert "Set how many tasks" in browser.get("/insights/me/").content.decode()

    @pytest.mark.parametrize("goal", ["0", "-1", "x", "1001", "1e3", "٣"])
    def test_what_is_no_goal_changes_nothing(self, client_for, alice, goal, gold_lake):
        browser = client_for(alice)
        browser.post("/insights/me/goal/", {"goal": "7"})
        browser.post("/insights/me/goal/", {"goal": goal})
        assert "7 task" in browser.get("/insights/me/").content.decode()


def longest_run(days):
    best = 0
    for day in days:
        length = 1
        while day.fromordinal(day.toordinal() - length) in days:
            length += 1
        best = max(best, length)
    return best


class TestApi:
    """``/api/v1/insights``: what the page shows, for scripts."""

    def test_answers_with_the_rows_of_a_chart(self, api, charlie, gold_lake, workspace):
        answer = api(charlie).get("/api/v1/insights/throughput?days=30&category=Support&compare=no")
        body = answer.json()
        assert answer.status_code == 200
        assert len(body["rows"]) == 30
        assert sum(row["created"] for row in body["rows"]) == created(support(workspace))
        assert (body["first_day"], body["last_day"]) == ("2026-10-24", "2026-11-22")
        assert body["summary"]
        assert [column["name"] for column in body["columns"]] == list(body["rows"][0])

    def test_the_list_describes_every_question(self, api, charlie, gold_lake):
        listed = api(charlie).get("/api/v1/insights").json()
        assert {question["slug"] for question in listed} == {"kpis", *(q.slug for q in CHARTS)}
        for question in listed:
            answer = api(charlie).get(f"/api/v1/insights/{question['slug']}")
            assert answer.status_code == 200
            assert AnswerOut.model_validate_json(answer.content).slug == question["slug"]

    def test_the_list_has_pages(self, api, charlie):
        slugs, address = [], "/api/v1/insights?limit=7"
        while address:
            page = api(charlie).get(address)
            slugs += [question["slug"] for question in page.json()]
            address = following(page)
        assert slugs == [question["slug"] for question in api(charlie).get("/api/v1/insights").json()]

    @pytest.mark.parametrize("path", ["", "/throughput"])
    def test_what_did_not_change_is_not_sent_again(self, api, charlie, gold_lake, path):
        first = api(charlie).get(f"/api/v1/insights{path}")
        tag = {"If-None-Match": first["ETag"]}
        assert api(charlie).get(f"/api/v1/insights{path}", headers=tag).status_code == 304

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            *[(f"days={days}", "days") for days in ("31", "x", "30&days=90")],
            *[("compare=maybe", "compare"), ("colour=red", "colour"), ("status=done", "status")],
            ("category=" + "x" * 201, "category"),
        ],
    )
    def test_parameters_that_mean_nothing(self, api, charlie, gold_lake, query, field):
        answer = api(charlie).get(f"/api/v1/insights/throughput?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)

    @pytest.mark.parametrize("path", ["", "/throughput"])
    def test_who_is_no_manager_is_told_why(self, api, alice, path):
        answer = api(alice).get(f"/api/v1/insights{path}")
        assert answer.status_code == 403
        assert answer["Content-Type"] == "application/problem+json"
        assert "managers" in answer.json()["detail"]

    def test_unknown_questions_are_problems(self, api, charlie, gold_lake):
        answer = api(charlie).get("/api/v1/insights/nothing")
        assert (answer.status_code, answer.json()["status"]) == (404, 404)

    def test_a_question_that_fails_is_a_problem_to_try_again(self, api, charlie, fresh_lake, monkeypatch):
        def fail(sql, values=(), timeout=20):
            raise athena.AthenaError("no", "query-1")

        monkeypatch.setattr(athena, "run", fail)
        answer = api(charlie).get("/api/v1/insights/ageing")
        assert (answer.status_code, answer["Retry-After"]) == (503, "5")


class TestWarming:
    """The pipeline's last step."""

    def test_a_warmed_page_asks_athena_nothing(self, page, fresh_lake, aws_calls):
        call_command("warm_insights")
        cache.memory.clear()  # the web process is another one
        aws_calls.clear()
        page()
        assert not [call for call in aws_calls if call.startswith("athena.")]

    def test_before_anything_is_published_it_does_nothing(self, lake, caplog):
        lake.remove_pointer()
        call_command("warm_insights")
        assert "nothing has been published" in caplog.text

    def test_the_watcher_warms_what_stays_and_survives_errors(self, fresh_lake, monkeypatch):
        class Stop:
            """Ends the watcher after some looks, without waiting."""

            looks = 0

            def wait(self, seconds):
                self.looks += 1
                return self.looks > 6

        snapshots = iter([athena.AthenaError("no"), None, "a", "b", "b", "b"])
        warmed = []

        def current():
            found = next(snapshots)
            if isinstance(found, Exception):
                raise found
            return found and athena.Snapshot(found, None, None, {})

        monkeypatch.setattr(athena, "current_snapshot", current)
        monkeypatch.setattr(warming, "warm", lambda snapshot, ranges: warmed.append(snapshot.id))
        warming.watch(Stop())
        assert warmed == ["b"]


def test_links_to_tasks_stay_on_the_site(page, gold_lake):
    html = page("?category=//evil.example")
    assert all(not urlsplit(link).netloc for link in re.findall(r'href="([^"]*)"', html))


@pytest.mark.parametrize("length", [0, 1, athena.LONGEST_PARAMETER - 2])
def test_a_parameter_of_any_length_that_athena_takes(gold_lake, length):
    assert athena.run("SELECT length(?) AS n", ("x" * length,)).rows == [{"n": length}]


def test_a_longer_parameter_is_an_error(gold_lake):
    with pytest.raises(athena.AthenaError):
        athena.run("SELECT length(?) AS n", ("x" * (athena.LONGEST_PARAMETER - 1),))
