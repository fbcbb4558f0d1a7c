"""The demo workspace through CSV, JSON and LibreOffice Calc with an English and a German profile, and back: equal."""

import random
import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from store.paging import pages
from tasks import selectors, services
from tasks.demo.storyline import storyline
from tasks.transfer import export_jobs, exporting, import_jobs
from tasks.transfer.rows import COLUMNS

# What a spreadsheet would run, turn into a number, a date or a truth value, split, or trim.
NASTY = [
    *(
        "007",
        "1-2",
        "3/4",
        "1e5",
        "12345678901234567890",
        "9:30",
        "1.5",
        "1,5",
        "50%",
        "MAR1",
        "May 26",
        "1. Mai",
    ),
    *(
        "=1+1",
        "x;=HYPERLINK()",
        "+49 30 1234",
        "-5",
        "@home",
        "'quoted",
        "''twice",
        "TRUE",
        "wahr",
        "Zürich 🏡",
    ),
    *(
        'say "hi"; and, bye',
        "a\u00a0b",
        "2026-12-01",
        "12/01/2026",
        "|pipe",
        "%5",
        "=",
        "'=1",
        "#N/A",
        "Line, one;two",
    ),
]
PROFILE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Setup/L10N"><prop oor:name="ooSetupSystemLocale" oor:op="fuse">
<value>{locale}</value></prop></item>
</oor:items>
"""
# The tokens of Calc's CSV filter: separator, quote, encoding (76 is UTF-8), first row, columns, language, all cells
# quoted, and on import whether dates and times are recognised, on export whether cells are saved as shown.
READ = "CSV:44,34,76,1,,{language},false,{recognised}"
WRITE = "csv:Text - txt - csv (StarCalc):{separator},34,76,1,,0,false,true,false"
LOCALES = {"en-US": (1033, 44), "de-DE": (1031, 59)}


@pytest.fixture
def workspace(ctx, alice):
    """Give Alice the tasks that the demo has now, and what spreadsheets spoil, as the two years before made them."""
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    made = {}
    for event in storyline(7, now, people=3, tasks=150, months=2):
        when = ctx(alice, event.at)
        if event.verb == "create":
            made[event.task] = services.create_task(when, event.fields).task.id
        elif event.verb == "update" and event.task in made:
            services.update_task(when, made[event.task], event.fields)
        elif event.verb == "delete":
            services.delete_task(when, made.pop(event.task))
    draw = random.Random(5)
    for number, text in enumerate(NASTY):
        services.create_task(
            ctx(alice, now - timedelta(days=number, microseconds=draw.randrange(10**6))),
            {
                "title": text,
                "description": f"{text}\n- {text}\n\n{text}",
                "category": draw.choice(NASTY)[:50],
                "tags": draw.sample(NASTY, 3),
                "checklist": [{"text": text, "done": True}, {"text": draw.choice(NASTY), "done": False}],
                "due_date": "2027-02-03",
                "due_time": "09:30",
                "recurrence": "FREQ=MONTHLY",
                "repeat_from": "done",
                "status": draw.choice(["completed", "pending"]),
            },
        )
    services.create_task(ctx(alice, now), {"title": "tabs", "description": "one\ttwo\n\tthree"})
    return alice


def kept(account):
    """Everything of a person's tasks that an export restores, in the order of the list."""
    found = pages(lambda cursor: selectors.list_tasks(account.id, limit=exporting.PAGE, cursor=cursor))
    rows = [exporting.row(task) for page in found for task in page.items]
    restored = [name for name in COLUMNS if name not in {"id", "updated_at", "version"}]
    return [
        {name: row[name] for name in restored}
        | {"checklist": [(entry["text"], entry["done"]) for entry in row["checklist"]]}
        for row in rows
    ]


def restore(ctx, account, content):
    """Import a file in steps; return the finished import."""
    job = import_jobs.start(ctx(account), len(content)).known
    while job.status == export_jobs.RUNNING:
        piece = content[job.offset : job.offset + job.wanted]
        job = import_jobs.step(ctx(account), job.id, job.offset, piece).known
    return job


def exported(account, file_format):
    return "".join(exporting.export(account.id, file_format)).encode()


@pytest.mark.parametrize("file_format", ["json", "csv"])
def test_a_restored_workspace_is_equal(ctx, workspace, bob, file_format):
    job = restore(ctx, bob, exported(workspace, file_format))
    assert (job.status, job.invalid, job.remarks) == (export_jobs.DONE, 0, 0)
    assert job.created > 100
    assert kept(bob) == kept(workspace)


@pytest.mark.long
@pytest.mark.parametrize("book", ["xlsx", "ods"])
@pytest.mark.parametrize("recognised", ["false", "true"], ids=["plain", "recognised"])
@pytest.mark.parametrize("locale", LOCALES)
def test_a_workspace_comes_back_equal_from_calc(ctx, workspace, bob, tmp_path, locale, recognised, book):
    language, separator = LOCALES[locale]
    (tmp_path / "profile" / "user").mkdir(parents=True)
    profile = PROFILE.format(locale=locale)
    (tmp_path / "profile" / "user" / "registrymodifications.xcu").write_text(profile)
    (tmp_path / "tasks.csv").write_bytes(exported(workspace, "csv"))
    read = READ.format(language=language, recognised=recognised)
    office(tmp_path, f"--infilter={read}", "--convert-to", book, "--outdir", tmp_path, tmp_path / "tasks.csv")
    written = WRITE.format(separator=separator)
    office(tmp_path, "--convert-to", written, "--outdir", tmp_path / "back", tmp_path / f"tasks.{book}")
    content = (tmp_path / "back" / "tasks.csv").read_bytes()
    assert content.decode("utf-8-sig").partition("\n")[0].strip() == chr(separator).join(COLUMNS)
    job = restore(ctx, bob, content)
    assert (job.status, job.invalid, job.remarks) == (export_jobs.DONE, 0, 0)
    # Calc's own format drops tabs from cells of several lines.
    lost = "\t" if book == "ods" else ""
    assert kept(bob) == [row | {"description": _without(lost, row["description"])} for row in kept(workspace)]


def _without(lost, text):
    return text.replace(lost, "") if text and lost else text


def office(folder, *arguments):
    """Run LibreOffice (Debian: libreoffice-calc) with a profile of its own."""
    profile = f"-env:UserInstallation={(folder / 'profile').as_uri()}"
    command = ["soffice", profile, "--headless", "--norestore", *map(str, arguments)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
