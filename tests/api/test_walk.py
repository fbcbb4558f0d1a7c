"""How far one request to create a task walks through the code, from the operation to DynamoDB and the response.

`.venv/bin/python -m pytest tests/api/test_walk.py -s` prints the walk.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest

from tests.api.client import TASKS
from tests.test_floors import LAYERS

ROOT = Path(__file__).resolve().parent.parent.parent
FLOORS = {package: floor for floor, layer in enumerate(reversed(LAYERS)) for package in layer.split(" | ")}
START = "tasks/api/tasks.py:create_task"
MOST_STAYS = 19


class Walk:
    """The calls into our functions while one request is answered, as (caller, callee), each ``file:function``.

    A *stay* is a contiguous run of calls in one file as the request goes down. Going through the calls in their order,
    a call begins a stay unless it is in the file of its caller or in the file of the call before it. Returning to a
    file begins none.

    The walk begins with the operation, after middlewares and authentication. It leaves out calls that a reader does not
    follow: special methods (constructors, attribute access, operators), properties, lambdas and comprehensions, and
    methods that a library declares and we only implement (PynamoDB's ``Model.serialize`` and ``Connection.dispatch``),
    with all that these call in turn.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self._stack: list[str] = []  # of the functions that are running; "" for one that is left out
        self._depth_left_out = 0

    def __enter__(self) -> "Walk":
        sys.setprofile(self._profile)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _profile(self, frame: FrameType, event: str, _: object) -> None:
        if event not in {"call", "return"} or not (name := named(frame)):
            return
        if event == "return":
            if self._stack:
                self._stack.pop()
            return
        if self._stack or name == START:
            skipped = "" in self._stack or is_left_out(frame)
            if not skipped:
                self.calls.append((self._stack[-1] if self._stack else "", name))
            self._stack.append("" if skipped else name)

    def stays(self) -> list[list[str]]:
        """Return the stays in their order: the functions called in each."""
        stays: list[list[str]] = []
        before = ""
        for caller, callee in self.calls:
            file = file_of(callee)
            if file not in {file_of(caller), before}:
                stays.append([])
            next(stay for stay in reversed(stays) if not stay or file_of(stay[0]) == file).append(callee)
            before = file
        return stays

    def steps_up(self) -> Iterator[str]:
        """Yield the calls of a function on a higher floor."""
        return (f"{a} -> {b}" for a, b in self.calls if a and floor_of(b) > floor_of(a))


def named(frame: FrameType) -> str:
    """Return ``file:function`` of one of our functions, or an empty text."""
    path = Path(frame.f_code.co_filename)
    if not path.is_relative_to(ROOT):
        return ""
    file = path.relative_to(ROOT)
    return f"{file}:{frame.f_code.co_qualname}" if file.parts[0] in FLOORS else ""


def file_of(function: str) -> str:
    return function.partition(":")[0]


def floor_of(function: str) -> int:
    return FLOORS[function.partition("/")[0]]


def is_left_out(frame: FrameType) -> bool:
    """Return whether a reader does not follow a call; see ``Walk``."""
    *owners, name = frame.f_code.co_qualname.split(".")
    if name.startswith(("__", "<")):
        return True
    owner = frame.f_globals.get(owners[0]) if len(owners) == 1 else None
    if not isinstance(owner, type):
        return False
    declared = [vars(base)[name] for base in owner.__mro__ if name in vars(base)]
    libraries = [base for base in owner.__mro__ if base.__module__.partition(".")[0] not in FLOORS]
    return isinstance(declared[0], property) or any(name in vars(base) for base in libraries)


@pytest.fixture
def walk(as_alice):
    """Return a function that creates a task and returns its walk."""
    as_alice.create()

    def created(**headers: str) -> Walk:
        with Walk() as walked:
            answer = as_alice("POST", TASKS, {"title": "x"}, **headers)
        assert answer.status_code == 201
        for number, stay in enumerate(walked.stays(), 1):
            print(
                f"{number:3} {file_of(stay[0]):26}", *dict.fromkeys(name.partition(":")[2] for name in stay)
            )
        return walked

    return created


def test_creating_a_task_stays_in_few_files_and_never_goes_up(walk):
    walked = walk()
    stays = walked.stays()
    assert file_of(stays[0][0]) == "tasks/api/tasks.py"
    assert any("store/writing.py:write" in stay for stay in stays)
    assert len(stays) <= MOST_STAYS
    assert not list(walked.steps_up())


def test_with_an_idempotency_key_only_the_rendering_of_the_reply_is_called_from_below(walk):
    walked = walk(Idempotency_Key="k")
    assert len(walked.stays()) <= MOST_STAYS + 3
    assert list(walked.steps_up()) == [
        "store/idempotency.py:Slot.record -> tasks/api/render.py:created"  # handed down with the key
    ]
