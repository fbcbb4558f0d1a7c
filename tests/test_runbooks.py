"""Every command of the runbooks is one that there is.

`tests/infra/test_runbooks.py` reads those of `aws` and `make`, and `tests/run/test_runbooks.py` follows the others.
"""

import re
import shlex
import subprocess

import pytest
from django.core.management import load_command_class

from tests.runbooks import MANAGE, ROOT, RUNBOOKS, commands, make_words

APPS = {
    path.stem: path.parts[-4]
    for path in ROOT.glob("*/management/commands/*.py")
    if not path.name.startswith("_")
}
# Programs that a reader has, and what a shell does itself.
KNOWN = ("source ", "curl ", "rm ", "openssl ")
# What these fill in.
FILLED = {"<id>": "0199d3a4-6f2e-7c41-9b1d-3f5a8e6c2d10"}
LINES = [(path.stem, line) for path in RUNBOOKS for line in commands(path)]
# Of a sentence that speaks of a command without telling to run it.
NAMED = [
    (path.stem, name) for path in RUNBOOKS for name in re.findall(r"`manage\.py (\w+)`", path.read_text())
]


def check(line):
    """Raise what the shell, or the program that the line names, would say."""
    if "<" not in line:
        subprocess.run(["sh", "-n", "-c", line], check=True)
    if words := make_words(line):
        check_make(words)
    elif line.startswith(MANAGE):
        check_manage(shlex.split(line.removeprefix(MANAGE)))
    elif line.startswith(".venv/bin/python -m "):
        module = shlex.split(line)[2].replace(".", "/")
        assert (ROOT / f"{module}.py").exists() or (ROOT / module / "__main__.py").exists()
    elif "aws " in line:
        return  # tests/infra reads it
    else:
        assert line.startswith(KNOWN), f"nobody knows {line}"


def check_make(words):
    targets = [word for word in words if "=" not in word and not word.startswith("-")]
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets
    assert set(targets) <= known


def check_manage(words):
    name, *arguments = (FILLED.get(word, word) for word in words)
    assert name in APPS, name
    load_command_class(APPS[name], name).create_parser("manage.py", name).parse_args(arguments)


@pytest.mark.parametrize(("document", "line"), LINES)
def test_a_command_is_one_that_there_is(document, line):
    check(line)


@pytest.mark.parametrize(("document", "name"), NAMED)
def test_a_command_that_is_only_named_is_one_that_there_is(document, name):
    assert name in APPS


def test_a_command_with_options_is_written_as_it_is_typed():
    loose = [text for path in RUNBOOKS for text in re.findall(r"`(manage\.py \w+ [^`]+)`", path.read_text())]
    assert loose == [], f"begin them with {MANAGE}"


@pytest.mark.parametrize(
    "line",
    [
        "make deplyo STAGE=prod",
        'eval "$(make -s environment-of STAGE=prod)"',
        f"{MANAGE}make_king you@example.com",
        f"{MANAGE}make_admin",
        f"{MANAGE}replay --failure-queue",
        ".venv/bin/python -m etl.walk --once",
        "zappa rollback prod",
        'echo "unfinished',
    ],
)
def test_a_wrong_one_is_noticed(line):
    with pytest.raises(BaseException):  # noqa: B017, PT011  each has its own
        check(line)


def test_commands_are_found_in_every_runbook():
    assert {document for document, _ in LINES} == {path.stem for path in RUNBOOKS}
