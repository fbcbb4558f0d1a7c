"""/api/v1/exports: files made in steps, and the link to them"""

import csv
import io
import json
import re
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings

from store.reading import get
from tasks.transfer import export_files, export_jobs, exporting
from tests.api.client import assert_problem
from tests.roles import OWNER

EXPORTS = "/api/v1/exports"


def fetched(url):
    with urllib.request.urlopen(url) as answer:
        return answer.headers, answer.read().decode()


def finish(api, export):
    """Continue until it is done; return the export and the number of steps."""
    for steps in range(1, 20):
        export = api("POST", f"{EXPORTS}/{export['id']}/continue").json()
        if export["status"] != "running":
            return export, steps
    raise AssertionError(export)


def objects(user_id):
    found = OWNER.client("s3").list_objects_v2(Bucket=settings.EXPORTS_BUCKET, Prefix=f"exports/{user_id}/")
    return [entry["Key"] for entry in found.get("Contents", ())]


@pytest.fixture
def small_parts(monkeypatch):
    """Let a step end after each page of two tasks, whose text is as long as S3 wants a part to be."""
    monkeypatch.setattr(exporting, "PAGE", 2)
    monkeypatch.setattr(export_jobs, "PART_BYTES", 1)
    real = exporting.row
    monkeypatch.setattr(exporting, "row", lambda task: real(task) | {"description": "x" * 2_700_000})


@pytest.mark.parametrize("file_format", ["json", "csv"])
def test_a_small_export_takes_one_step(as_alice, file_format):
    for title in ("=SUM(A1)", "second"):
        as_alice.create(title=title)
    answer = as_alice("POST", EXPORTS, {"format": file_format})
    started = answer.json()
    assert (answer.status_code, answer["Location"]) == (202, f"{EXPORTS}/{started['id']}")
    assert (started["status"], started["tasks"], started["url"]) == ("running", 0, None)
    done, steps = finish(as_alice, started)
    assert (steps, done["status"], done["tasks"]) == (1, "done", 2)
    headers, text = fetched(done["url"])
    direct = as_alice("GET", f"/api/v1/export?format={file_format}")
    assert text == direct.content.decode()
    assert done["bytes"] == len(text.encode())
    assert headers["Content-Disposition"] == direct["Content-Disposition"]
    assert headers["Content-Type"] == exporting.FORMATS[file_format]
    # Once done it stays as it is.
    again = as_alice("POST", f"{EXPORTS}/{done['id']}/continue").json()
    assert again | {"url": ""} == done | {"url": ""}
    assert [entry["id"] for entry in as_alice("GET", EXPORTS).json()] == [done["id"]]


@pytest.mark.parametrize("file_format", ["json", "csv"])
def test_a_large_export_takes_several_steps(as_alice, small_parts, file_format):
    titles = [as_alice.create(title=f"Task {number}")["title"] for number in range(5)]
    done, steps = finish(as_alice, as_alice("POST", EXPORTS, {"format": file_format}).json())
    assert (steps, done["tasks"]) == (3, 5)
    _, text = fetched(done["url"])
    csv.field_size_limit(10_000_000)
    rows = json.loads(text) if file_format == "json" else list(csv.DictReader(io.StringIO(text)))
    assert [row["title"] for row in rows] == titles[::-1]
    assert done["bytes"] == len(text.encode())


def test_an_export_without_tasks(as_alice):
    done, _ = finish(as_alice, as_alice("POST", EXPORTS, {"format": "json"}).json())
    assert fetched(done["url"])[1] == "[]\n"


def test_a_step_sent_again_writes_nothing_twice(as_alice, small_parts):
    for number in range(5):
        as_alice.create(title=f"{number}")
    key = {"Idempotency_Key": "one"}
    first, second = (as_alice("POST", EXPORTS, {"format": "json"}, **key) for _ in range(2))
    assert second["Idempotency-Replayed"] == "true"
    assert first.json() == second.json()
    address = f"{EXPORTS}/{first.json()['id']}/continue"
    answers = [as_alice("POST", address, Idempotency_Key="two") for _ in range(2)]
    assert [answer.json()["tasks"] for answer in answers] == [2, 2]
    done, _ = finish(as_alice, first.json())
    assert [row["title"] for row in json.loads(fetched(done["url"])[1])] == list("43210")


def test_only_one_request_works_on_a_step(as_alice, alice, monkeypatch):
    started = as_alice("POST", EXPORTS, {"format": "json"}).json()
    address = f"{EXPORTS}/{started['id']}/continue"
    seen = []

    def meanwhile(*_):
        seen.append(as_alice("POST", address))
        raise ZeroDivisionError  # and dies

    monkeypatch.setattr(export_jobs, "_read", meanwhile)
    as_alice.client.raise_request_exception = False
    assert as_alice("POST", address).status_code == 500
    assert assert_problem(seen[0], 409)["type"].endswith("export-busy")
    monkeypatch.undo()
    assert as_alice("POST", address).status_code == 409
    item = get(export_jobs.ExportItem, export_jobs.export_key(alice.id, started["id"]))
    later = datetime.now(UTC) + timedelta(seconds=export_jobs.CLAIM_SECONDS + 1)
    assert item.claimed_until < later.timestamp()
    monkeypatch.setattr(export_jobs, "CLAIM_SECONDS", 0)
    item.claimed_until = 0
    item.save()
    assert as_alice("POST", address).json()["status"] == "done"


def test_an_upload_that_is_lost_ends_the_export(as_alice, alice, small_parts):
    for number in range(3):
        as_alice.create(title=f"{number}")
    started = as_alice("POST", EXPORTS, {"format": "json"}).json()
    as_alice("POST", f"{EXPORTS}/{started['id']}/continue")
    item = get(export_jobs.ExportItem, export_jobs.export_key(alice.id, started["id"]))
    export_files.abort(item.file_key, item.upload_id)
    failed, _ = finish(as_alice, started)
    assert (failed["status"], failed["url"]) == ("failed", None)


def test_exports_of_others_and_of_yesterday_are_not_there(as_alice, as_bob, monkeypatch):
    started = as_alice("POST", EXPORTS, {"format": "csv"}).json()
    assert as_bob("GET", EXPORTS).json() == []
    for method, path in (("GET", ""), ("POST", "/continue")):
        assert_problem(as_bob(method, f"{EXPORTS}/{started['id']}{path}"), 404)
        assert_problem(as_bob(method, f"{EXPORTS}/nonsense{path}"), 404)
    monkeypatch.setattr(export_jobs, "KEPT_SECONDS", 0)
    old = as_alice("POST", EXPORTS, {"format": "csv"}).json()
    assert_problem(as_alice("GET", f"{EXPORTS}/{old['id']}"), 404)
    assert [entry["id"] for entry in as_alice("GET", EXPORTS).json()] == [started["id"]]


def test_a_person_keeps_so_many_exports(as_alice, monkeypatch):
    monkeypatch.setattr(export_jobs, "MAX_JOBS", 2)
    for _ in range(2):
        assert as_alice("POST", EXPORTS, {"format": "csv"}).status_code == 202
    problem = assert_problem(as_alice("POST", EXPORTS, {"format": "csv"}), 409)
    assert problem["type"] == "urn:todo:problem:too-many-exports"


def test_what_does_not_fit_in_an_answer_says_how_to_get_it(as_alice, monkeypatch):
    real = exporting.row
    monkeypatch.setattr(exporting, "row", lambda task: real(task) | {"description": '"' * 800_000})
    for _ in range(2):
        as_alice.create()
    problem = assert_problem(as_alice("GET", "/api/v1/export"), 422)
    assert problem["type"] == "urn:todo:problem:export-too-large"
    assert "POST /api/v1/exports" in problem["detail"]
    # Compressed it fits.
    assert (
        as_alice("GET", "/api/v1/export", Accept_Encoding="gzip", Accept="*/*")["Content-Encoding"] == "gzip"
    )


@pytest.mark.parametrize("body", [{}, {"format": "xml"}, {"format": "csv", "more": 1}])
def test_wrong_bodies(as_alice, body):
    assert_problem(as_alice("POST", EXPORTS, body), 422)


def test_the_link_is_for_one_private_object(as_alice):
    done, _ = finish(as_alice, as_alice("POST", EXPORTS, {"format": "csv"}).json())
    assert f"X-Amz-Expires={export_files.LINK_SECONDS}" in done["url"]
    for wrong in (done["url"].split("?")[0], done["url"].replace(".csv?", ".json?")):
        with pytest.raises(urllib.error.HTTPError):
            fetched(wrong)


def test_erasing_a_person_erases_their_files(as_alice, alice, small_parts):
    finish(as_alice, as_alice("POST", EXPORTS, {"format": "csv"}).json())
    for number in range(3):
        as_alice.create(title=f"{number}")
    unfinished = as_alice("POST", EXPORTS, {"format": "csv"}).json()
    as_alice("POST", f"{EXPORTS}/{unfinished['id']}/continue")
    item = get(export_jobs.ExportItem, export_jobs.export_key(alice.id, unfinished["id"]))
    assert len(objects(alice.id)) == 1
    export_jobs.erase_files(alice.id)
    assert objects(alice.id) == []
    with pytest.raises(export_files.UploadLost):
        export_files.put_part(item.file_key, item.upload_id, 2, b"")


@pytest.mark.parametrize("file_format", ["json", "csv"])
def test_the_file_is_an_attachment_with_a_name_of_ours(as_alice, alice, file_format):
    as_alice.create(title="x", category="../../evil.html")
    done, _ = finish(as_alice, as_alice("POST", EXPORTS, {"format": file_format}).json())
    headers, _ = fetched(done["url"])
    assert re.fullmatch(
        rf'attachment; filename="tasks-\d{{4}}-\d\d-\d\d\.{file_format}"', headers["Content-Disposition"]
    )
    assert objects(alice.id) == [f"exports/{alice.id}/{done['id']}.{file_format}"]
