"""The documents name what exists: dependencies, make targets, files and URLs."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MARKDOWN = sorted(
    path
    for path in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *ROOT.glob("*/README.md")]
    if "node_modules" not in path.parts
)
LOCKS = {name: (ROOT / "requirements" / f"{name}.txt") for name in ("web", "lake", "dev", "localaws", "node")}


def direct_dependencies() -> dict[str, str]:
    """Return {name: pinned version} of every package that a ``requirements/*.in`` asks for."""
    found = {}
    for name, lock in LOCKS.items():
        pins = dict(re.findall(r"^([a-z0-9._-]+)==(\S+?)(?:\s|;|$)", lock.read_text(), re.MULTILINE))
        for line in (ROOT / "requirements" / f"{name}.in").read_text().splitlines():
            if line and line[0] not in "#-":
                package = re.match(r"[A-Za-z0-9._-]+", line)[0].lower()
                found[package] = pins[package]
    return found


def test_it_works():
    assert (ROOT / "README.md").read_text().startswith("# ")


@pytest.mark.parametrize(("package", "version"), direct_dependencies().items())
def test_every_direct_dependency_is_explained(package, version):
    row = re.compile(rf"^\| {re.escape(package)} \| {re.escape(version)} \| .{{10,}} \|$", re.MULTILINE)
    assert row.search((ROOT / "docs" / "dependencies.md").read_text()), f"{package} {version}"


def test_lock_files_carry_no_addresses():
    locks = [*LOCKS.values(), ROOT / "package-lock.json"]
    assert not [lock.name for lock in locks if "://" in lock.read_text()]


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path):
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    missing = [t for t in targets if "://" not in t and not (path.parent / t).exists()]
    assert not missing


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_make_targets_exist(path):
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"`make ([a-z][a-z-]*)[^`]*`", path.read_text()))
    assert named <= targets, named - targets


@pytest.mark.parametrize("path", MARKDOWN, ids=lambda path: str(path.relative_to(ROOT)))
def test_paths_in_code_spans_exist(path):
    named = re.findall(
        r"`((?:todo_site|tasks|insights|etl|localcloud|templates|static|tests|docs|bench|infra|requirements)"
        r"/[\w./-]+)`",
        path.read_text(),
    )
    missing = [n for n in named if not (ROOT / n).exists() and not (ROOT / f"{n}.py").exists()]
    assert not missing


def test_every_adr_is_in_the_index():
    index = (ROOT / "docs" / "adrs" / "README.md").read_text()
    adrs = [p.name for p in (ROOT / "docs" / "adrs").glob("0*.md")]
    assert adrs
    assert not [name for name in adrs if name not in index]
