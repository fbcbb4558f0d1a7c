"""Whoever types a command of the runbooks at night is understood: those of `aws`, and those of `make`."""

import inspect
import re

import pytest

from infra import deployment, rehearsal
from tests.infra import awscli
from tests.runbooks import ROOT, RUNBOOKS, commands, make_words

LINES = [(path, line) for path in awscli.DOCUMENTS for line in awscli.lines(path)]


def test_every_aws_command_of_the_runbooks_is_found():
    written = sum(len(re.findall(r"\baws [a-z0-9-]+ [a-z]", path.read_text())) for path in awscli.DOCUMENTS)
    assert len(LINES) == written > 20


@pytest.mark.parametrize(("path", "line"), LINES, ids=lambda value: getattr(value, "stem", str(value)[:60]))
def test_a_command_is_one_that_aws_has(path, line):
    awscli.read(line).check()


@pytest.mark.parametrize(
    "line",
    [
        "aws lambda put-function-concurency --function-name x --reserved-concurrent-executions 0",
        "aws lambda put-function-concurrency --function x --reserved-concurrent-executions 0",
        "aws lambda put-function-concurrency --function-name x --reserved-concurrent-executions none",
        "aws sqs receive-message --visibility-timeout 30",
        "aws sqs list-queues --query 'Messages['",
        "aws s3 list s3://bucket/",
    ],
)
def test_a_wrong_one_is_noticed(line):
    with pytest.raises(Exception):  # noqa: B017, PT011  each layer has its own
        awscli.read(line).check()


# --- make: each is run by the rehearsal, by continuous integration, or by the test that follows the runbooks ---

MAKEFILE = (ROOT / "Makefile").read_text()
MAKES = [(path.stem, line) for path in RUNBOOKS for line in commands(path) if make_words(line)]
FOLLOWED = {"env-of", "run"}  # by tests/run/test_runbooks.py, whose stage is what `make run` starts
# Run by nothing, and why.
NOT_RUN = {
    "test-fast": "a part of `make test`",
    "format": "rewrites the checkout; `make lint` looks whether it would",
    "clean": "removes the environments that the test runs in",
    "lock": "asks the package registry for newer releases",
}
# How a step of the rehearsal runs an action of `infra.deployment`.
RUNS = {
    "up": r"deployment\.up\(",
    "rollback": r'"infra\.deployment", "rollback"',
    "env": r'"infra\.deployment", "env"',
    "down": r'removal\.down\(|"infra\.deployment", "down"',
}


def action(target):
    """The action of `infra.deployment` that a target runs, or None."""
    found = re.search(rf"^{target}:.*\n(?:\t.*\n)*?\t.*-m infra\.deployment (\w+)", MAKEFILE, re.MULTILINE)
    return found and found[1]


def in_ci():
    """The targets that continuous integration makes, and those that they need or make."""
    found, more = set(), set(re.findall(r"\bmake ([a-z-]+)", (ROOT / ".ci" / "run").read_text()))
    while more:
        found |= more
        more = {each for target in more for each in parts(target)} - found
    return found


def parts(target):
    """The targets that a target needs or makes."""
    needs, recipe = re.search(rf"^{target}:([^#\n]*).*\n((?:\t.*\n)*)", MAKEFILE, re.MULTILINE).groups()
    words = [*needs.split(), *" ".join(re.findall(r"\$\(MAKE\) ([^&|\n]+)", recipe)).split()]
    return {word for word in words if re.search(rf"^{re.escape(word)}:", MAKEFILE, re.MULTILINE)}


def how(line):
    """What runs the target of a line of `make`, or why nothing does."""
    (target,) = (word for word in make_words(line) if "=" not in word and not word.startswith("-"))
    if action(target):
        return "the rehearsal"
    if target in FOLLOWED:
        return "the test that follows the runbooks"
    return "continuous integration" if target in in_ci() else NOT_RUN.get(target)


@pytest.mark.parametrize(("document", "line"), MAKES)
def test_a_command_of_make_is_run_by_something_or_has_a_reason(document, line):
    assert how(line), f"nothing runs it: {line}"


def test_the_rehearsal_runs_every_action_of_a_deployment():
    (choices,) = (each.choices for each in deployment._parser()._actions if each.dest == "action")
    assert set(rehearsal.ACTIONS) == set(choices) == set(RUNS)
    for name, steps in rehearsal.ACTIONS.items():
        for step in steps:
            assert step in rehearsal.STEPS
            assert re.search(RUNS[name], inspect.getsource(step)), f"{step.__name__} does not run {name}"


def test_what_a_runbook_adds_to_such_a_command_is_read():
    """Variables on the command line of make are in the environment of its recipe."""
    read = inspect.getsource(deployment)
    for _, line in MAKES:
        words = make_words(line)
        if any(action(word) for word in words):
            for name in (word.partition("=")[0] for word in words if "=" in word):
                assert name == "STAGE" or f'os.environ.get("{name}"' in read, line


def test_a_reason_is_about_a_command_that_is_there_and_that_nothing_runs():
    targets = {word for _, line in MAKES for word in make_words(line)}
    assert set(NOT_RUN) <= targets
    assert set(NOT_RUN) & (in_ci() | FOLLOWED) == set()


@pytest.mark.parametrize("line", ["make screenshots", "make bench"])
def test_one_that_nothing_runs_is_noticed(line):
    assert how(line) is None
