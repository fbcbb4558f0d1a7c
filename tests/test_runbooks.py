"""Every command of the runbooks but `aws …`, which `tests/infra/test_runbooks.py` reads, is one that exists."""

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from django.core.management import load_command_class

ROOT = Path(__file__).resolve().parent.parent
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
MANAGE = ".venv/bin/python manage.py"
APPS = {
    path.stem: path.parts[-4]
    for path in ROOT.glob("*/management/commands/*.py")
    if not path.name.startswith("_")
}
# Programs that a reader has, and what a shell does itself.
KNOWN = ("source ", "curl ", "rm ", "openssl ")
# What these fill in.
FILLED = {"<id>": "0199d3a4-6f2e-7c41-9b1d-3f5a8e6c2d10"}


def blocks(path):
    """The shell's lines of a document's blocks, continued ones joined."""
    for block in re.findall(r"```sh\n(.*?)```", path.read_text(), re.DOTALL):
        yield from ((path.stem, line.strip()) for line in joined(block.replace("\\\n", " ")) if line.strip())


def joined(block):
    """Lines, those within quotation marks belonging together."""
    whole = ""
    for line in block.splitlines():
        whole = f"{whole}\n{line}" if whole else re.sub(r"\s+#\s.*", "", line)
        if whole.count("'") % 2 == 0:
            yield whole
            whole = ""
    assert not whole, whole


def mentions(path):
    """The commands within the text of a document."""
    for text in re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)):
        if text.startswith(("make ", "eval ", ".venv/bin/python ", "manage.py ")):
            yield path.stem, text


LINES = [found for path in RUNBOOKS for found in (*blocks(path), *mentions(path))]


def check(line):
    """Raise what the shell, or the program that the line names, would say."""
    if "<" not in line:
        subprocess.run(["sh", "-n", "-c", line], check=True)
    line = re.sub(r"^(?:[A-Z_]+=[^\s$]+ )+", "", line)
    if line.startswith('eval "$('):
        check(line.removeprefix('eval "$(').removesuffix(')"'))
    elif line.startswith("make "):
        check_make(shlex.split(line)[1:])
    elif line.startswith((MANAGE, "manage.py ")):
        check_manage(shlex.split(line.partition("manage.py ")[2]))
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
    command = load_command_class(APPS[name], name)
    if arguments or name not in {"erase_user", "rebuild_table"}:  # named without the rest in the text
        command.create_parser("manage.py", name).parse_args([*arguments])


@pytest.mark.parametrize(("document", "line"), LINES)
def test_a_command_is_one_that_there_is(document, line):
    check(line)


@pytest.mark.parametrize(
    "line",
    [
        "make deplyo STAGE=prod",
        'eval "$(make -s environment-of STAGE=prod)"',
        f"{MANAGE} make_king you@example.com",
        f"{MANAGE} make_admin",
        f"{MANAGE} replay --failure-queue",
        ".venv/bin/python -m etl.walk --once",
        "zappa rollback prod",
        'echo "unfinished',
    ],
)
def test_a_wrong_one_is_noticed(line):
    with pytest.raises(BaseException):  # noqa: B017, PT011  each has its own
        check(line)


def test_commands_are_found_in_every_runbook_that_has_some():
    assert {document for document, _ in LINES} >= {"deploy", "recovery", "secrets", "alarms", "etl"}
