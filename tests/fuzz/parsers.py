"""The parsers whose costliest inputs are searched."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.test import RequestFactory
from django.utils.translation import override
from pydantic import TypeAdapter

from store import validation
from store.errors import DomainError
from store.request_context import RequestContext
from tasks import batch, fields, recurrence, services
from tasks.api import schemas
from tasks.api.recurrence import MOST
from tasks.language import engine, lexicon, quick_add, repeats, search
from tasks.recurrence import InvalidRule, Start
from tasks.transfer import existing_tasks, importing, reading, rows, todoist
from tests.fuzz import endpoints
from tests.fuzz.costliest import Parser
from tests.tasks import lines
from tests.tasks.test_rules import CORPUS as RULES
from web import markdown
from web.api import requests

ZONE = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 30, 10, 30, tzinfo=ZONE)
LINES = lines.read()
# A line counts its own steps, and its repeat those of the rule and of its first day: of the line as it is, and again if
# the repeat has ended.
_LINE = engine.MAX_STEPS + 4 * recurrence.MAX_STEPS
_FIGURES = [
    "1st",
    "2nd",
    "3.",
    "9",
    "9am",
    "10:30",
    "24",
    "10.12.",
    "2026-12-31",
    "+3d",
    "-2w",
    "24/12/2026",
    "15,16",
    "99",
]
_SIGNS = [
    ",",
    ";",
    "-",
    "\u2013",
    "!",
    "?",
    ":",
    ".",
    '"',
    "(",
    ")",
    "/",
    "+",
    "&",
    "#",
    "@",
    "!high",
    "#home",
    "@Flat",
]


def _words(code: str) -> list[str]:
    """Return the words that the grammar of a language knows."""
    own = lexicon.load(code)
    classes = (word for words in own._words.values() for word in words)
    return sorted({*own.grammar.words, *classes}) + _FIGURES + _SIGNS


def _line(code: str) -> Parser:
    return Parser(
        f"quick-add-{code}",
        lambda text: _forgetting(lambda: quick_add.parse(text, NOW, code)),
        [line.text for line in LINES if line.language == code],
        _words(code),
        _LINE,
    )


def _forgetting(read: Callable[[], object]) -> object:
    """Read without what is remembered of rules that were read before."""
    recurrence._read.cache_clear()
    return read()


def _repeat(code: str) -> Parser:
    def read(text: str) -> None:
        with override(code):
            _forgetting(lambda: repeats.from_words(text, NOW.date()))

    seeds = [line.text for line in LINES if line.language == code and "recurrence" in line.means]
    return Parser(f"repeat-{code}", read, seeds, [*_words(code), *_PARTS], _LINE)


_FIELDS = [f"{name}{sign}" for name in search._FIELDS for sign in (":", "<", ">=")]


def _search() -> Parser:
    def read(text: str) -> None:
        with suppress(search.QueryError):
            search.parse(text, NOW.date(), ZONE)

    seeds = [f"{name}{line.text}" for name, line in zip(_FIELDS * 20, LINES, strict=False)]
    seeds += ['status:open -is:recurring due<+7d "rent"', "priority>=high #home @Flat has:due due:none"]
    seeds += [
        f"due:{word} created>{word}" for word in ("friday", "24.12.", '"next monday"', "gestern", "+1m")
    ]
    return Parser("search", read, seeds, [*_FIELDS, *_words("en"), *_words("de")], engine.MAX_STEPS)


_PARTS = [
    *(f"FREQ={name}" for name in recurrence.FREQUENCIES),
    *(f"{name}=" for name in recurrence._PARTS),
    *recurrence.WEEKDAYS,
    *(f"{number}{day}" for number in (1, -1, 5, 53) for day in recurrence.WEEKDAYS),
    *(
        "BYMONTH=2",
        "BYMONTHDAY=29",
        "BYMONTHDAY=31",
        "BYSETPOS=-1",
        "BYSETPOS=366",
        "BYWEEKNO=53",
        "BYYEARDAY=366",
    ),
    *(
        "COUNT=999",
        "INTERVAL=999",
        "INTERVAL=7",
        "INTERVAL=400",
        "UNTIL=99991231",
        "WKST=SU",
        "-",
        "+",
        ";",
        ",",
        "T000000Z",
    ),
    *("1900-01-01", "1999-12-31", "2026-11-30", "2028-02-29", "9999-12-31"),
]


# Rules of days that come seldom.
_RARE = [
    "FREQ=DAILY;INTERVAL=29;BYMONTH=1,3,5,7,9,11;BYMONTHDAY=31;BYDAY=MO",
    "FREQ=DAILY;INTERVAL=487;BYMONTH=2,4,6,8,12;BYMONTHDAY=30;BYDAY=MO",
    "FREQ=DAILY;BYMONTHDAY=1;COUNT=999",
    "FREQ=WEEKLY;BYMONTH=1,3,5,7,9,11;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYSETPOS=7;COUNT=999",
    "FREQ=MONTHLY;INTERVAL=5;BYMONTHDAY=29;BYMONTH=2;BYDAY=MO",
    "FREQ=YEARLY;BYWEEKNO=-53;BYDAY=MO;BYMONTHDAY=29",
]
_DUE = TypeAdapter(fields.DueDate)


def _rule() -> Parser:
    """A rule, the due date and the day of completion, a line each: all that is done with a rule."""

    def read(text: str) -> None:
        rule, due, done = (*text.split("\n"), "", "")[:3]
        try:
            start = Start(date.fromisoformat(_DUE.validate_python(due)))
            now = datetime.fromisoformat(f"{done}T12:00+00:00")
            known = recurrence.fitted(rule, start)
        except (ValueError, InvalidRule):
            return
        recurrence.first_days(known, start, MOST)
        recurrence.following(known, start, now)
        recurrence.following(known, start, now, from_done=True)

    seeds = [
        f"{case['rrule']}\n{case['dtstart'][:10]}\n{day}"
        for case in RULES
        for day in ("2026-12-01", "2031-01-01")
    ]
    seeds += [f"{rule}\n1900-01-01\n2026-12-01" for rule in _RARE]
    return Parser(
        "rule", lambda text: _forgetting(lambda: read(text)), seeds, _PARTS, 5 * recurrence.MAX_STEPS
    )


def _todoist() -> Parser:
    header = ("type", "content", "date", "date_lang")

    def read(text: str) -> None:
        first, _, rest = text.partition(" ")
        cells = ["task", "Report", rest, first] if first in lexicon.codes() else ["task", "Report", text, ""]
        _forgetting(lambda: todoist.rows(header, [(2, cells)], NOW.astimezone(UTC)))

    seeds = [f"{line.language} {line.text}" for line in LINES if {"due_date"} & line.means.keys()]
    return Parser("todoist-date", read, seeds, [*_words("en"), *_words("de")], 2 * _LINE + engine.MAX_STEPS)


def _markdown() -> Parser:
    seeds = [
        "# Trip\n\n- **Pack** `bags`\n- [Book](https://example.com)\n\n> soon\n",
        "a|b|c\n-|-|-\n1|2|3\n|\n|\n",
        "1. one\n2. two\n\n    code\n\n```\nmore\n```\n***\n",
    ]
    words = [
        "|",
        "-|",
        "a|" * 30,
        "-|" * 30,
        "|\n" * 30,
        "\n",
        "* ",
        "> ",
        "**",
        "`",
        "[",
        "](",
        ")",
        "~~",
        "_",
        "    ",
    ]
    bound = markdown.MAX_CHARACTERS + markdown.MAX_TOKENS + 1
    return Parser("markdown", markdown.render, seeds, words, bound, refuses=True)


# On whose behalf: their zone is known, so nothing is read.
_CTX = RequestContext("alice", "alice", "request", NOW, zone=ZONE)
_TASK = '{"title":"Report","due_date":"2028-02-29","recurrence":"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"}'
_RARE_TASKS = [f'{{"title":"R","due_date":"1900-01-01","recurrence":"{rule}"}}' for rule in _RARE]
_JSON = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    '"title":',
    '"tags":[',
    '"checklist":[',
    '"recurrence":"',
    '"due_date":"',
]


def _batch() -> Parser:
    """The body of a batch, and the tasks that it creates."""

    def read(text: str) -> None:
        request = RequestFactory().post("/api/v1/tasks/batch", text.encode(), "application/json")
        with suppress(DomainError):
            given = validation.clean(schemas.BATCH, requests.json_object(request))
            for entry in given["operations"]:
                with suppress(DomainError):
                    services.plan_create(_CTX, entry.get("task", {}))

    operation = f'{{"op":"create","task":{_TASK}}}'
    seeds = [f'{{"operations":[{",".join([operation] * number)}]}}' for number in (1, 5)]
    rare = [f'{{"op":"create","task":{task}}}' for task in _RARE_TASKS]
    seeds.append(f'{{"operations":[{",".join(rare)}]}}')
    bound = requests.MAX_VALUES + requests.MAX_DEPTH + batch.MAX_OPERATIONS * 5 * recurrence.MAX_STEPS
    read_anew = lambda text: _forgetting(lambda: read(text))  # noqa: E731
    return Parser(
        "batch", read_anew, seeds, [*_JSON, operation, f",{operation}", *_PARTS], bound, refuses=True
    )


_FILE_BOUND = todoist.MAX_STEPS + rows.MAX_ROWS * recurrence.MAX_STEPS


def _file(kind: str) -> Parser:
    """A file that is imported, up to what would be written."""

    def read(text: str) -> None:
        with suppress(DomainError):
            planner = importing.Planner(_CTX)
            for row in reading.read(text.encode(errors="replace"), NOW)[1]:
                planner.candidate(row, existing_tasks.row_once(f"{row.number}", ""), NOW)

    rule = '"FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"'
    seeds = {
        "csv": [
            f"title,due_date,recurrence,tags\nReport,2028-02-29,{rule},home\n",
            "TYPE,CONTENT,DATE\ntask,Report,every 3rd friday\n",
            "title,due_date,recurrence\n" + "".join(f'R,1900-01-01,"{rule}"\n' for rule in _RARE),
        ],
        "json": [f"[{_TASK}]", f"[{','.join([_TASK] * 5)}]", f"[{','.join(_RARE_TASKS)}]"],
    }[kind]
    whole = {
        "csv": [",", "\n", '"', f"Report,2028-02-29,{rule},home\n"],
        "json": [*_JSON, _TASK, f",{_TASK}"],
    }
    words = [*whole[kind], *_PARTS]
    return Parser(f"import-{kind}", lambda text: _forgetting(lambda: read(text)), seeds, words, _FILE_BOUND)


def _all() -> Iterator[Parser]:
    for code in lexicon.codes():
        yield _line(code)
    yield _repeat("en")
    yield _repeat("de")
    yield from (_search(), _rule(), _todoist())
    files = (_file("csv"), _file("json"))
    yield from (_markdown(), _batch(), *files)
    contents = [seed for file in files for seed in file.seeds[:2]]
    yield from endpoints.parsers([*_FIELDS, *_words("en"), *_words("de")], _FILE_BOUND, contents)


PARSERS = {parser.name: parser for parser in _all()}
