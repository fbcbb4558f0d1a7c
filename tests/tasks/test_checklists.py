"""Checklists written as text"""

from __future__ import annotations

import pytest

from tasks import checklists
from tasks.fields import CHECKLIST_MAX


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Milk", [(False, "Milk")]),
        ("  [x]  Milk  ", [(True, "Milk")]),
        ("- [X] Milk", [(True, "Milk")]),
        ("* [ ] Milk", [(False, "Milk")]),
        ("[]Milk", [(False, "Milk")]),
        ("- Milk", [(False, "Milk")]),
        ("-Milk", [(False, "-Milk")]),
        ("[y] Milk", [(False, "[y] Milk")]),
        ("a  b", [(False, "a  b")]),
        ("-", [(False, "-")]),
        ("- ", []),
        ("[x] ", []),
        ("", []),
        ("a\r\nb\n\nc", [(False, "a"), (False, "b"), (False, "c")]),
    ],
)
def test_lines(line, found):
    assert checklists.lines(line) == found


def test_a_long_line_is_read_once_and_not_from_each_of_its_spaces():
    """Read anew from each space, it would take ten thousand million steps."""
    spaces = " " * 200_000
    assert checklists.lines(f"a{spaces}b{spaces}") == [(False, f"a{spaces}b")]


def test_entries_keep_their_ids():
    before = [{"id": str(number), "text": f"Line {number}"} for number in range(3)]
    assert [entry["id"] for entry in checklists.parse("Line 2\nLine 0\nOther", before)] == ["2", "0", "1"]


def test_more_lines_than_a_checklist_has_are_not_compared():
    class Counted(dict):
        looked_at = 0

        def __getitem__(self, name):
            Counted.looked_at += 1
            return super().__getitem__(name)

    before = [Counted(id=str(number), text=f"Line {number}") for number in range(CHECKLIST_MAX)]
    assert len(checklists.parse("x\n" * (CHECKLIST_MAX + 1), before)) == CHECKLIST_MAX + 1
    assert Counted.looked_at == 0
