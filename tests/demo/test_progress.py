"""The line that says how far the load is."""

from __future__ import annotations

from io import StringIO

from tasks.demo.progress import Progress


class Terminal(StringIO):
    def isatty(self):
        return True


def told(output, monkeypatch, steps):
    """What is written while a second passes between the steps; True stands for a skipped one."""
    clock = iter(range(100))
    monkeypatch.setattr("tasks.demo.progress.time.monotonic", lambda: float(next(clock)))
    progress = Progress("Load", len(steps), output)
    for skipped in steps:
        progress.step(skipped=skipped)
    progress.close()
    return output.getvalue()


def test_updates_one_line_of_a_terminal(monkeypatch):
    text = told(Terminal(), monkeypatch, [False] * 4)
    assert text.split("\r\x1b[K")[1:] == [
        "Load: 1 of 4 (25 %), 3 s left",
        "Load: 2 of 4 (50 %), 2 s left",
        "Load: 3 of 4 (75 %), 1 s left",
        "Load: 4 of 4 (100 %), 0 s left",
        "Load: 4 of 4 in 5 s\n",
    ]


def test_a_log_gets_few_whole_lines(monkeypatch):
    lines = told(StringIO(), monkeypatch, [False] * 12).splitlines()
    assert lines == [
        "Load: 5 of 12 (41 %), 7 s left",
        "Load: 10 of 12 (83 %), 2 s left",
        "Load: 12 of 12 in 13 s",
    ]


def test_what_was_done_before_does_not_count_as_speed(monkeypatch):
    text = told(Terminal(), monkeypatch, [True, True, False, False, False, False])
    assert "Load: 4 of 6 (66 %), 4 s left" in text
