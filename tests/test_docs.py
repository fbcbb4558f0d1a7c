"""The documents name only what exists, and each kind of document keeps its form."""

import argparse
import ast
import json
import re
import tomllib
from functools import cache
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from insights.dashboards import EVERYBODY, ME
from localcloud import bootstrap
from store.model import FEED_SHARDS
from tasks.transfer.export_jobs import PART_BYTES

ROOT = Path(__file__).resolve().parent.parent
MARKDOWN = sorted(
    path
    for path in [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / ".github").glob("*.md"),
        *ROOT.glob("*/README.md"),
    ]
    if "node_modules" not in path.parts
)
ADRS = {path.stem[:3]: path for path in sorted((ROOT / "docs" / "adrs").glob("0*.md"))}
ADR_INDEX = (ROOT / "docs" / "adrs" / "README.md").read_text()
LOCKS = {
    name: (ROOT / "requirements" / f"{name}.txt")
    for name in ("web", "lake", "build", "dev", "localaws", "node")
}


def direct_dependencies() -> dict[str, str]:
    """Return {name: pinned version} of every package that a ``requirements/*.in`` or ``package.json`` asks for."""
    found = {}
    for name, lock in LOCKS.items():
        pins = dict(re.findall(r"^([a-z0-9._-]+)==(\S+?)(?:\s|;|$)", lock.read_text(), re.MULTILINE))
        for line in (ROOT / "requirements" / f"{name}.in").read_text().splitlines():
            if line and line[0] not in "#-":
                package = re.match(r"[A-Za-z0-9._-]+", line)[0].lower()
                found[package] = pins[package]
    node = json.loads((ROOT / "package.json").read_text())
    return found | node["dependencies"] | node["devDependencies"]


def test_the_readme_begins_with_the_two_commands():
    title, command, *_ = re.findall(r"^(# .+|make .+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert title.startswith("# ")
    assert command.startswith("make run ")


@pytest.mark.parametrize(("package", "version"), direct_dependencies().items())
def test_every_direct_dependency_is_explained(package, version):
    row = re.compile(rf"^\| {re.escape(package)} \| {re.escape(version)} \| .{{10,}} \|$", re.MULTILINE)
    assert row.search((ROOT / "docs" / "dependencies.md").read_text()), f"{package} {version}"


def test_every_debian_package_is_explained(monkeypatch):
    for name in ("has_chromium", "works", "has_libical"):
        monkeypatch.setattr(bootstrap, name, lambda *_: False)
    monkeypatch.setattr(bootstrap, "has_headless_shell_package", lambda: True)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: None)
    packages, why = bootstrap.debian_packages()
    assert all(name in why for name in ("Chromium", "Java", "FUSE", "libical"))
    section = (ROOT / "docs" / "dependencies.md").read_text().partition("## Tests from Debian")[2]
    assert re.findall(r"^\| ([a-z0-9-]+) \| .{10,} \|$", section, re.MULTILINE) == packages


def test_lock_files_carry_no_addresses():
    locks = [*LOCKS.values(), ROOT / "package-lock.json"]
    assert not [lock.name for lock in locks if "://" in lock.read_text()]


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    missing = [t for t in targets if "://" not in t and not (path.parent / t).exists()]
    assert not missing


CODE = re.compile(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
SOURCES = {".py", ".sh", ".html", ".js", ".sql"}
SKIPPED = {"node_modules", "staticfiles", "build", "cdk.out", "docs"}
URLCONFS = ("todo_site.api_urls", "todo_site.operations.urls")
ID = "0199d3a4-6f2e-7c41-9b1d-3f5a8e6c2d10"
NOT_OURS = ("/aws/", "/tmp/", "/dev", "/prod")  # log groups, folders, stages


def code_of(text):
    """Everything written as code, commands on one line each."""
    return "\n".join(block or span for block, span in CODE.findall(text)).replace("\\\n", " ")


@cache
def words():
    """Every upper-case name in the product, its tools and its configuration."""
    found = {"UPDATE_ROLLBACK_FAILED"}  # a state of CloudFormation's
    for path in (ROOT / "Makefile", *ROOT.glob("*.toml"), *ROOT.glob("*.json"), *sources(ROOT)):
        found |= set(re.findall(r"[A-Z][A-Z0-9_]{2,}", path.read_text()))
    return found


def sources(folder):
    for path in folder.iterdir():
        if path.is_dir() and path.name not in SKIPPED and not path.name.startswith("."):
            yield from sources(path)
        elif path.suffix in SOURCES and path.name != Path(__file__).name:
            yield path


def unknown_targets(text):
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    return set(re.findall(r"(?:^|[;&(] *)make ([a-z][a-z-]*)", code_of(text), re.MULTILINE)) - targets


def unknown_commands(text):
    known = get_commands()
    for name, arguments in re.findall(r"manage\.py ([a-z_]+)([^\n|;&#]*)", code_of(text)):
        if name not in known:
            yield name
            continue
        parser = load_command_class(known[name], name).create_parser("manage.py", name)
        known_options = {option for each in parsers(parser) for option in each._option_string_actions}
        yield from (f"{name} {o}" for o in re.findall(r"--[a-z-]+", arguments) if o not in known_options)


def parsers(parser):
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


def unknown_modules(text):
    for name in re.findall(r"-m ((?:bench|infra|etl|localcloud|tests)[\w.]*)", code_of(text)):
        path = ROOT / name.replace(".", "/")
        if not (path.with_suffix(".py").exists() or (path / "__init__.py").exists()):
            yield name


def unknown_urls(text):
    code = code_of(text)
    named = re.findall(r"^(?:[A-Z]+ )?(/[a-z][\w/.<>{}-]*)(?:\?\S*)?$", code, re.MULTILINE)
    named += re.findall(r"(?:\$APP_URL|\$URL|127\.0\.0\.1:8000)(/[\w/.{}-]*)", text)
    for url in named:
        filled = re.sub(r"<[^>]+>|\{[^}]+\}", ID, url)
        if not url.startswith(NOT_OURS) and not any(is_ours(filled, urlconf) for urlconf in URLCONFS):
            yield url


def is_ours(url, urlconf):
    try:
        resolve(url, urlconf)
    except Resolver404:
        return False
    return True


def unknown_settings(text):
    named = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", text))
    named |= set(re.findall(r"`([A-Z]{3,})(?:=[^`]*)?`", text))
    named |= set(re.findall(r"\b([A-Z][A-Z_]{2,})=\w", code_of(text)))
    return named - words()


def unknown_charts(text):
    named = re.findall(r"\bcharts? `([\w-]+)`|`([\w-]+)` chart", text)
    return {first or second for first, second in named} - EVERYBODY.by_slug.keys() - ME.by_slug.keys()


CHECKS = (unknown_targets, unknown_commands, unknown_modules, unknown_urls, unknown_settings, unknown_charts)


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_named_exists(path):
    text = path.read_text()
    assert not {check.__name__: found for check in CHECKS if (found := list(check(text)))}


@pytest.mark.parametrize(
    "text",
    [
        "`make nothing`",
        "```sh\nmake run && make nothing\n```",
        "`manage.py nothing`",
        "`manage.py costs --nothing 1`",
        "`python -m bench.nothing`",
        "`/nothing/`",
        "`GET /api/v1/nothing`",
        '`curl "$APP_URL/nothing"`',
        "`NO_SUCH_SETTING`",
        "`UNHEARD=1 make run`",
        "the chart `nothing`",
    ],
)
def test_what_does_not_exist_is_found(text):
    assert sum(len(list(check(text))) for check in CHECKS) == 1


def test_the_examples_of_tests_are_tests_of_the_files_they_name():
    examples = re.findall(
        r"\[(tests/[\w/]+\.py)\]\([^)]+\)\)\n\n```python\n(.*?)```",
        (ROOT / "docs" / "testing.md").read_text(),
        re.DOTALL,
    )
    assert len(examples) > 7
    for path, code in examples:
        assert set(re.findall(r"def test_\w+", code)) <= set(
            re.findall(r"def test_\w+", (ROOT / path).read_text())
        )


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_in_code_spans_exist(path):
    named = re.findall(
        r"`((?:todo_site|insights|tasks|identity|dynamo_admin|web|store|etl|localcloud|infra|bench|templates|static"
        r"|locale|requirements|tests|docs)/[\w./-]+)`",
        path.read_text(),
    )
    missing = [n for n in named if not (ROOT / n).exists() and not (ROOT / f"{n}.py").exists()]
    assert not missing


@pytest.mark.parametrize(
    ("document", "sentence", "value"),
    [
        ("runbooks/alarms.md", r"all users' items of one kind in (\d+) partitions", FEED_SHARDS),
        ("benchmarks.md", r"the feed index has (\d+) partitions", FEED_SHARDS),
        ("adrs/037-exports-in-steps.md", r"one part of at least (\d+) MiB", PART_BYTES / 2**20),
    ],
    ids=["alarms", "benchmarks", "exports"],
)
def test_numbers_in_sentences_are_those_of_the_code(document, sentence, value):
    assert [float(found) for found in re.findall(sentence, (ROOT / "docs" / document).read_text())] == [value]


def test_every_adr_is_in_the_index():
    rows = re.findall(r"^\| \[(\d{3})\]\(([\w-]+\.md)\) \|", ADR_INDEX, re.MULTILINE)
    assert rows == [(number, path.name) for number, path in ADRS.items()]


def headings(path):
    return re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE)


@pytest.mark.parametrize("path", ADRS.values(), ids=ADRS.keys())
def test_every_adr_has_the_form_of_the_template(path):
    number, text = path.stem[:3], path.read_text()
    status = r"\*\*Status\*\* (?:accepted|proposed|superseded by \[\d{3}\]\([\w-]+\.md\)), \d{4}-\d\d-\d\d"
    assert re.match(rf"# {number} .+\n\n{status}\n", text)
    assert headings(path) == headings(path.with_name("template.md"))
    options = re.split(r"^## .+$", text, flags=re.MULTILINE)[3].strip().split("\n- ")
    assert len(options) > 1
    assert "(chosen" in options[0]
    assert not [
        option for option in options if "(chosen" not in option and ":" not in option
    ]  # rejected: why


def test_gaps_in_the_numbers_of_adrs_are_explained():
    gaps = set()
    for first, last in re.findall(r"^\| (\d{3})(?:-(\d{3}))? \|", ADR_INDEX, re.MULTILINE):
        gaps |= set(range(int(first), int(last or first) + 1))
    used = {int(number) for number in ADRS}
    assert gaps == set(range(max(used) + 1)) - used


def test_the_glossary_is_sorted_and_links_each_term():
    rows = re.findall(
        r"^\| (.+?) \| (.+) \| (\[.+\)) \|$", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE
    )
    terms = [term.lower() for term, *_ in rows]
    assert len(terms) > 24
    assert terms == sorted(set(terms))
    assert not [term for term, meaning, _ in rows if not meaning.endswith(".") or meaning.count(". ") > 2]


def test_the_license_is_the_one_the_api_names(client):
    info = client.get("/api/openapi.json").json()["info"]
    assert (ROOT / "LICENSE").read_text().startswith(f"{info['license']['identifier']} License\n")
    assert "contact" not in info


def test_the_version_is_the_same_everywhere():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f'"APP_VERSION", "{version}"' in (ROOT / "todo_site" / "settings.py").read_text()
    assert version in (ROOT / "docs" / "changelog.md").read_text()


def test_the_changelog_keeps_its_form():
    text = (ROOT / "docs" / "changelog.md").read_text()
    kinds = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert set(re.findall(r"^### (.+)$", text, re.MULTILINE)) <= kinds
    releases = headings(ROOT / "docs" / "changelog.md")
    assert releases[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", release) for release in releases[1:])
    entries = re.search(r"^### .*", text, re.MULTILINE | re.DOTALL)[0].splitlines()
    assert not [line for line in entries if line and not line.startswith(("- ", "#"))]  # one line each


def test_continuous_integration_runs_what_the_readme_says():
    assert "- run: .ci/run\n" in (ROOT / ".github" / "workflows" / "ci.yml").read_text()


@pytest.mark.parametrize("name", ["ci", "audit"])
def test_workflows_have_few_rights(name):
    workflow = (ROOT / ".github" / "workflows" / f"{name}.yml").read_text()
    assert "\npermissions:\n  contents: read\n\n" in workflow
    assert "timeout-minutes:" in workflow
    assert not [
        name
        for name in re.findall(r"uses: (\S+)", workflow)
        if not re.fullmatch(r"actions/[\w-]+@v\d+", name)
    ]


FUNCTION = re.compile(r"`([\w/]+\.(?:py|js)):([\w.]+)`")


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_functions_in_code_spans_exist(path):
    assert not [
        f"{file}:{name}" for file, name in FUNCTION.findall(path.read_text()) if not defines(file, name)
    ]


def defines(file: str, name: str) -> bool:
    """Return whether ``file`` defines the function, class or method ``name`` (in Python also a module's variable)."""
    if not (ROOT / file).is_file():
        return False
    text = (ROOT / file).read_text()
    if file.endswith(".js"):
        return re.search(rf"^ *const {name} = (?:async )?\(", text, re.MULTILINE) is not None
    body = ast.parse(text).body
    for part in name.split("."):
        found = next((node for node in body if part in names_of(node)), None)
        if found is None:
            return False
        body = getattr(found, "body", [])
    return True


def names_of(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Assign):
        return [part.id for target in node.targets for part in ast.walk(target) if isinstance(part, ast.Name)]
    return [getattr(node, "name", "")]


TEST = re.compile(r"`(tests/[\w/]+\.py)::([^`]+)`")


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_tests_in_code_spans_exist(path):
    assert not [
        f"{file}::{name}"
        for file, name in TEST.findall(path.read_text())
        if not defines(file, name.replace("::", "."))
    ]


def security_rows() -> list[tuple[str, ...]]:
    """Return number, question, answer and tests of each requirement that docs/security.md answers."""
    text = (ROOT / "docs" / "security.md").read_text()
    return re.findall(r"^\| (V\d+\.\d+\.\d+) \| (.+?) \| (.+?) \| (.*?) ?\|$", text, re.MULTILINE)


def test_every_requirement_of_asvs_level_2_is_answered_once():
    numbers = (ROOT / "tests" / "data" / "asvs-4.0.3-level-2.txt").read_text().split()
    assert [number for number, *_ in security_rows()] == numbers


@pytest.mark.parametrize("row", security_rows(), ids=lambda row: row[0])
def test_a_requirement_names_a_test_or_says_why_not(row):
    _number, question, answer, tests = row
    assert len(question.split()) <= 8
    outside = answer.startswith(("Does not apply: ", "Not met: ", "In part: ", "On paper: ", "AWS: "))
    assert tests or outside, "met by the code, and so shown by a test"
    assert not re.sub(r"[`,; ]", "", TEST.sub("", tests)), "only tests, as `tests/file.py::test_name`"


def test_what_is_not_or_partly_met_is_listed():
    text = (ROOT / "docs" / "security.md").read_text()
    listed = re.search(r"^Not met: ([V\d., ]+)\. Met in part: ([V\d., ]+)\.", text, re.MULTILINE)
    for words, numbers in zip(("Not met: ", "In part: "), listed.groups(), strict=True):
        assert numbers.split(", ") == [
            number for number, _, how, _ in security_rows() if how.startswith(words)
        ]


def test_the_bill_of_materials_covers_every_lock_of_the_product():
    """Whatever a deployment installs is in it: the web function's package, and the lake's layer."""
    shipped = re.search(r"^shipped := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    installed = set()
    for path in ("infra/web_package.py", "infra/lake_layer.py"):
        installed |= set(re.findall(r'"requirements" / "(\w+)\.txt"', (ROOT / path).read_text()))
    assert set(shipped) == installed - {"infra"}  # of which the deployment takes Zappa's handler


def test_every_regression_names_the_test_that_fails():
    text = (ROOT / "docs" / "regressions.md").read_text()
    rows = re.findall(r"^\| (?!what holds|---)(.+) \| (.+) \| (.+) \|$", text, re.MULTILINE)
    assert len(rows) > 50
    assert len({(holds, taken) for holds, taken, _ in rows}) == len(rows)
    assert not [holds for holds, _, fails in rows if not TEST.search(fails)]


@pytest.mark.parametrize(
    ("file", "name", "known"),
    [
        ("tests/test_docs.py", "test_the_glossary_is_sorted_and_links_each_term", True),
        ("tests/test_docs.py", "test_nothing", False),
        ("store/commit.py", "commit", True),
        ("store/commit.py", "nothing", False),
        ("store/audit.py", "Trail.__call__", True),
        ("store/audit.py", "Trail.nothing", False),
        ("store/nothing.py", "commit", False),
        ("static/js/quick.js", "ask", True),
        ("static/js/quick.js", "nothing", False),
    ],
)
def test_a_function_that_does_not_exist_is_found(file, name, known):
    assert defines(file, name) is known


def test_every_capability_has_its_files_and_a_test():
    text = (ROOT / "docs" / "implementation.md").read_text()
    rows = re.findall(r"^\| (?!capability |---)(.+) \| (.+) \| (.+) \|$", text, re.MULTILINE)
    assert len(rows) > 50
    for capability, implemented, shown in rows:
        files, tests = (re.findall(r"`([^`]+)`", cell) for cell in (implemented, shown))
        assert files, capability
        assert tests, capability
        assert not [name for name in [*files, *tests] if not (ROOT / name).is_file()], capability
        assert all(name.startswith("tests/") for name in tests), capability
