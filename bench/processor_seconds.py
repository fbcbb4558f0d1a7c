"""A pytest plugin that prints the processor seconds of each folder of tests.

`make test ARGS="-p bench.processor_seconds"`: a worker reads, before and after each test, the time that it and all its
descendants have used: its local AWS, browsers, Node, emulators that a test starts. Time of processes that ended is in
their parents' figures. Processor time hardly depends on what else the machine does, as the wall clock would.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import psutil
import pytest

USED = "processor_seconds"  # key of the folder totals that a worker hands to the controller


def used() -> float:
    """Return the processor seconds of this process and its descendants, ended ones included."""
    this = psutil.Process()
    total = 0.0
    for process in (this, *this.children(recursive=True)):
        try:
            total += sum(process.cpu_times()[:4])  # user, system, and both of children that ended
        except psutil.NoSuchProcess:
            continue
    return total


class Meter:
    """Adds up the processor seconds of this process's tests by folder."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.seconds: dict[str, float] = defaultdict(float)
        self.tests: Counter[str] = Counter()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Measure one test with its fixtures."""
        before = used()
        try:
            return (yield)
        finally:
            folder = Path(item.location[0]).parent.name + (
                " (browser)" if item.get_closest_marker("browser") else ""
            )
            self.seconds[folder] += max(0.0, used() - before)
            self.tests[folder] += 1

    def pytest_sessionfinish(self) -> None:
        """Hand the totals to the controller."""
        output: dict[str, Any] | None = getattr(self.config, "workeroutput", None)
        if output is not None:
            output[USED] = [dict(self.seconds), dict(self.tests)]

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Add a worker's totals."""
        seconds, tests = getattr(node, "workeroutput", {}).get(USED, ({}, {}))
        for folder, value in seconds.items():
            self.seconds[folder] += value
        self.tests.update(tests)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the table."""
        terminalreporter.write_line("| folder | tests | processor seconds |\n|---|---:|---:|")
        for folder, seconds in sorted(self.seconds.items(), key=itemgetter(1), reverse=True):
            terminalreporter.write_line(f"| {folder} | {self.tests[folder]:,} | {seconds:.0f} |")
        terminalreporter.write_line(f"| all | {self.tests.total():,} | {sum(self.seconds.values()):.0f} |")


def pytest_configure(config: pytest.Config) -> None:
    """Register the meter."""
    config.pluginmanager.register(Meter(config), "processor seconds")
