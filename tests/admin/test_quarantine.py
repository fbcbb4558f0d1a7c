"""Quarantined rows in the admin: what is wrong with them, closing and reopening them; and what needs an operator."""

import csv
import io
import json
import os
import re
import uuid
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest

from etl.jobs import job_requests, quality
from etl.lake import manifest
from etl.lake.config import lake_config
from etl.lake.storage import Bucket
from etl.run import local_lake
from store import audit
from tests.admin.test_accessibility import look
from tests.etl.memory import S3, put_bronze
from tests.roles import LAKE, OWNER
from tests.web.conftest import open_as, site, visit
from tests.web.test_accessibility import wrong
from todo_site.operations import attention

__all__ = ["open_as", "site", "visit"]
LIST = "insights/quarantinedevent/"


@pytest.fixture
def lake(tmp_path):
    return local_lake(lake_config(), LAKE.client("s3"), LAKE.client("glue"), Path(tmp_path))


@pytest.fixture
def bad(lake):
    """Two rows of one Bronze file with a status that there is none, in quarantine: their ids, and the file."""
    events = [uuid.uuid4().hex, uuid.uuid4().hex]
    image = {"id": "t1", "status": "paused", "title": '=cmd|"/c calc"!A1'}
    rows = [
        {
            "event_id": event, "event_name": "INSERT", "event_time": "2026-03-20T09:00:00.000001Z",
            "sequence_number": "100", "entity_type": "TASK", "pk": "TASK#ann", "sk": "TASK#t1", "user_id": "ann",
            "entity_id": "t1", "new_image": json.dumps(image),
        }
        for event in events
    ]  # fmt: skip
    folder = f"year=2026/month=03/day=20/user_bucket={uuid.uuid4().int % 16:02d}"
    made = S3()
    file = put_bronze(made, folder, rows, uuid.uuid4().int % 10**9)
    body = made.buckets["bronze"][file]
    OWNER.client("s3").put_object(Bucket=os.environ["BRONZE_BUCKET"], Key=file, Body=body)
    manifest.commit(lake.silver.silver, lambda current: replace(current, looked_at=""))
    lake.silver.run()
    return events, file


def keys(bad):
    events, file = bad
    return [f"2026-03-20T09:00:00.000001Z|{event}|{file}" for event in events]


def of_file(browser, file, state="open"):
    return browser.page(f"{LIST}?source_file__exact={quote(file)}&state__exact={state}")


def test_the_list_says_what_is_wrong_and_in_which_file(root, bad):
    (first, second), file = bad
    page = of_file(root, file)
    for text in (first, second, file, "bad_status", "The value of status is not one that is allowed."):
        assert text in page
    assert first not in of_file(root, file, "dismissed")


def test_rows_are_dismissed_and_reopened_on_the_record(root, lake, bad):
    (first, second), file = bad
    row, _ = keys(bad)
    said = root.act(LIST, "dismiss", row)
    assert "Dismiss quarantined rows: requested" in said
    lake.carry_out_requests()
    assert first not in of_file(root, file)
    assert second in of_file(root, file)
    assert first in of_file(root, file, "dismissed")
    root.act(LIST, "reopen", row)
    lake.carry_out_requests()
    assert first in of_file(root, file)
    reopened, dismissed = list(audit.by_actor(root.account.id))[:2]
    assert [(entry.action, entry.kind, entry.object_id) for entry in (dismissed, reopened)] == [
        ("order", "lake", "dismiss"),
        ("order", "lake", "reopen"),
    ]
    assert dismissed.message == reopened.message == row


def test_all_rows_of_a_file_are_dismissed_after_a_question(root, lake, bad):
    (first, second), file = bad
    row, _ = keys(bad)
    assert "Dismiss all rows of 1 file?" in root.act(LIST, "dismiss_files", row)
    root.carry_out(LIST, "dismiss_files", row)
    lake.carry_out_requests()
    assert first not in of_file(root, file)
    closed = of_file(root, file, "dismissed")
    assert first in closed
    assert second in closed
    assert "dismissed</a>" in root.page("pipeline/")


def test_a_row_is_downloaded_and_a_viewer_gets_no_item(root, viewer, bad):
    row, _ = keys(bad)
    for browser, sees in ((root, True), (viewer, False)):
        answer = browser.get(f"{LIST}export.csv?key__exact={quote(row)}")
        assert answer.status_code == 200
        names, values = csv.reader(io.StringIO(answer.getvalue().decode("utf-8-sig")))
        found = dict(zip(names, values, strict=True))
        assert (found["event_id"], found["reason"]) == (bad[0][0], "bad_status")
        assert ("new_image" in found) is sees
        assert "calc" in answer.getvalue().decode() if sees else "calc" not in answer.getvalue().decode()


def test_a_viewer_dismisses_nothing(viewer, bad):
    row, _ = keys(bad)
    assert "dismiss" not in viewer.page(LIST).replace("dismissed", "").lower()
    before = len(job_requests.recent(_silver()))
    viewer.act(LIST, "dismiss", row)
    assert len(job_requests.recent(_silver())) == before


def _silver():
    return Bucket(lake_config().silver_bucket, OWNER.client("s3"))


def needs(browser):
    """What the overview says that needs attention."""
    _, _, section = browser.page("").partition('<section class="needs"')
    return re.findall(r">([^<>]+)</a></li>", section.partition("</section>")[0])


def test_the_overview_tells_what_waits_in_quarantine(root, lake, bad):
    page = root.page("")
    assert "Needs attention" in page
    assert "in quarantine." in page
    assert "?state__exact=open" in page
    assert '<span class="badge">' in root.page("tasks/task/")


def test_failed_checks_messages_and_a_stopped_capture_need_attention(root, settings, monkeypatch):
    gold, sqs = Bucket(lake_config().gold_bucket, OWNER.client("s3")), OWNER.client("sqs")
    url = settings.CDC_FAILURE_QUEUE_URL = os.environ["CDC_FAILURE_QUEUE_URL"]
    sqs.purge_queue(QueueUrl=url)
    quiet = needs(root)
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    held = gold.get_json(quality.REFUSED)
    checks = [quality.Check("a", False, "1 wrong"), quality.Check("b", True, "")]
    quality.refuse(gold, {}, quality.QualityError(checks))
    monkeypatch.setattr(attention.stream, "position", lambda last: attention.stream.Position(601.0, ""))
    try:
        new = [text for text in needs(root) if text not in quiet]
        assert new == [
            "1 quality check was not passed: the newest figures are not shown.",
            "Change capture stands still: a change has waited for 10 minutes.",
            "1 message waits in the failure queue.",
        ]
    finally:
        sqs.purge_queue(QueueUrl=url)
        if held is None:
            gold.delete([quality.REFUSED])


def test_a_lake_that_cannot_be_read_stops_no_page(root, monkeypatch):
    def broken(*_):
        raise ValueError("not JSON")

    monkeypatch.setattr(attention.status, "read", broken)
    assert "The state of the lake cannot be read." in root.page("")


def test_a_site_without_a_lake_needs_nothing(root, monkeypatch):
    monkeypatch.delenv("SILVER_BUCKET")
    assert attention.needs() == []
    assert "Needs attention" not in root.page("")


@pytest.mark.browser
def test_overview_list_and_row_read_well_in_both_sizes_and_themes(open_as, root, bad):
    page, found = open_as(root.account, "/admin/"), {}
    look(page, "overview", found, "Needs attention")
    page.goto(f"/admin/{LIST}?source_file__exact={quote(bad[1])}")
    look(page, "quarantine", found, "bad_status")
    page.locator("#result_list tbody th a").first.click()
    look(page, "quarantined row", found, "This row as CSV")
    page.goto("/admin/pipeline/")
    look(page, "pipeline", found, "Quarantine")
    assert wrong(found) == {}
