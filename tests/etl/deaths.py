"""Deaths of lake runs: every write of a run is counted by the step it belongs to, and any may be the last."""

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

S3_WRITES = ("put_object", "delete_objects")
GLUE_WRITES = ("create_table", "update_table", "batch_create_partition", "batch_update_partition")
# What a run writes, in this order; the names are those of `step_of`. Within a step the order is up to threads.
STEPS = (
    "silver/files",
    "silver/_consumed",
    "silver/_current.json",
    "batch_update_partition",
    "silver/delete",
    "silver/_runs.json",
    "gold/files",
    "gold/_commit.json",
    "update_table",
    "gold/_kpis.json",
    "gold/_current.json",
    "gold/delete",
)
# Those that a run which finds the ones before done still has to do: tidying and the log of runs are not among them.
DECISIVE = tuple(step for step in STEPS if not step.endswith(("/delete", "/_runs.json")))
# What only the first run on an empty catalogue does.
FIRST_STEPS = ("batch_create_partition", "create_table")

Hit = Callable[[str, str], bool]


class Killed(BaseException):
    """The process ends here: nothing catches it."""


def step_of(operation: str, arguments: dict[str, Any]) -> str:
    """Which step of a run a write belongs to."""
    if operation in GLUE_WRITES:
        return operation
    if operation == "delete_objects":
        return f"{arguments['Bucket'].rpartition('-')[2]}/delete"
    layer, name, *below = arguments["Key"].split("/")
    return f"{layer}/{name}" if name.startswith("_") or not below else f"{layer}/files"


class Watch:
    """Counts the writes of clients in `made`, by step, and calls `at_write("before" or "after", step)` around each.

    Parameters
    ----------
    s3, glue
        Clients, whose writing methods are replaced.
    """

    def __init__(self, s3: Any, glue: Any) -> None:
        self.lock = threading.RLock()
        self.begin()
        for service, names in ((s3, S3_WRITES), (glue, GLUE_WRITES)):
            for name in names:
                setattr(service, name, self._watched(name, getattr(service, name)))

    def begin(self, at_write: Callable[[str, str], None] = lambda moment, step: None) -> None:
        """Count from here on."""
        self.made: Counter[str] = Counter()
        self.at_write, self.dead = at_write, False

    def _watched(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watched(**arguments: Any) -> Any:
            step = step_of(name, arguments)
            with self.lock:
                self._watch("before", step)
                reply = call(**arguments)
                self.made[step] += 1
                self._watch("after", step)
            return reply

        return watched

    def _watch(self, moment: str, step: str) -> None:
        # Of a dead process no thread writes any more.
        if self.dead:
            raise Killed
        try:
            self.at_write(moment, step)
        except Killed:
            self.dead = True
            raise

    def killed(self, run: Callable[[], object], hit: Hit) -> None:
        """Have a run die at the first write where `hit(moment, step)`."""

        def at_write(moment: str, step: str) -> None:
            if hit(moment, step):
                raise Killed

        self.begin(at_write)
        with pytest.raises(Killed):
            run()
        self.at_write, self.dead = lambda moment, step: None, False
