"""Usage: of one person from the table, within bounds; of everybody from the published figures."""

import json

import pytest

from etl.lake.layout import GOLD_KPIS
from identity import access_tokens
from store import rate_limits, reading
from tasks import services
from tests.roles import LAKE
from todo_site.operations import usage


@pytest.fixture
def kpis(settings):
    """Return a function that publishes figures; they are gone afterwards."""
    s3 = LAKE.client("s3")

    def publish(values):
        body = {"snapshot": "x", "sequence": 1, "published_at": "2026-11-30T12:00:00+00:00", "values": values}
        s3.put_object(Bucket=settings.GOLD_BUCKET, Key=GOLD_KPIS, Body=json.dumps(body).encode())

    s3.delete_object(Bucket=settings.GOLD_BUCKET, Key=GOLD_KPIS)
    yield publish
    s3.delete_object(Bucket=settings.GOLD_BUCKET, Key=GOLD_KPIS)


def test_what_a_person_uses(root, alice, known, ctx, add, api, settings):
    settings.RATE_LIMIT_PER_MINUTE = 600
    rate_limits.forget()
    known(alice)
    for number in range(3):
        add(f"Task {number}")
    done = add("Done")
    services.update_task(ctx(alice), done.id, {"status": "completed"})
    changed = services.delete_task(ctx(alice), add("Gone").id)
    access_tokens.create(ctx(alice), "Her script")
    assert api(alice).get("/api/v1/tasks").status_code == 200
    found = usage.of_person(alice.id)
    assert (found["tasks"], found["open"], found["tasks_all"], found["open_all"]) == (4, 3, True, True)
    of_api, of_pages = found["requests"]
    assert of_api["used"] >= 1
    assert of_api["left"] == 600 - of_api["used"]
    assert of_api["day"].units >= of_api["used"]
    assert of_pages["limit"] == 0
    page = root.page(f"tasks/user/{alice.id}/help/")
    for text in (
        "Task 2",
        "Her script",
        "3</td>",
        "600 units used",
        f"about {of_api['day'].units} units; most in a minute: ",
        "not limited, so not counted",
        found["last_change"].strftime("%Y-%m-%d %H:%M:%S"),
    ):
        assert text in page
    assert changed is not None
    assert f"tasks/accesstoken/?user_id__exact={alice.id}" in page
    rate_limits.forget()


def test_a_person_with_nothing(root, alice, known):
    known(alice)
    found = usage.of_person(alice.id)
    assert (found["tasks"], found["open"], found["last_change"]) == (0, 0, None)
    assert "None." in root.page(f"tasks/user/{alice.id}/help/")


def test_a_count_that_is_not_all_says_so(alice, add, monkeypatch, root, known):
    known(alice)
    add("One")
    monkeypatch.setattr(usage, "count", lambda *_, **__: (1000, False))
    assert "&gt; 1000" in root.page(f"tasks/user/{alice.id}/help/")


def test_the_table_says_whether_it_counted_all(alice, add, monkeypatch):
    add("One"), add("Two")
    partition = f"TASK#{alice.id}"
    assert reading.count(partition) == (2, True)
    real = reading.table().query
    monkeypatch.setattr(reading.table(), "query", lambda *given, **options: real(*given, **options, limit=1))
    assert reading.count(partition) == (1, False)


def test_totals_are_those_that_were_published(root, viewer, kpis):
    assert "No figures have been published yet." in root.page("")
    kpis({"total_users": 44.0, "total_tasks": 1870.0, "open_tasks": 912.0})
    for admin in (root, viewer):
        page = admin.page("")
        assert "As of 2026-11-30 12:00:00 UTC." in page
        assert "<dt>People</dt><dd>44</dd>" in page
        assert "<dd>1,870</dd>" in page or "<dd>1870</dd>" in page


def test_the_overview_is_there_without_figures(root, monkeypatch):
    from botocore.exceptions import EndpointConnectionError

    def unreachable(*_):
        raise EndpointConnectionError(endpoint_url="https://s3")

    monkeypatch.setattr(usage.Bucket, "get_json", unreachable)
    assert "No figures have been published yet." in root.page("")
