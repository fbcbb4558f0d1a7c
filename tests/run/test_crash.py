"""The figures of ``make test-crash``; ``.ci/run`` runs a round of each kind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.run.crash import Round, kept, report

GOOD = Round(1, 9, 100, 8, 3, 0, 0, 0, 5, 0, 0, 0, 0, 4.04, 2.0)


def test_the_report_adds_up():
    lines = report([GOOD, replace(GOOD, round=2, acknowledged=1200, already_stored=4, lost=1)]).splitlines()

    assert lines[2] == "| 1 | 9 | 100 | 8 | 3 | 0 | 0 | 0 | 5 | 0 | 0 | 0 | 0 | 4.0 | 2.0 |"
    assert lines[-1] == "| all | 18 | 1,300 | 16 | 7 | 1 | 0 | 0 | 10 | 0 | 0 | 0 | 0 | | |"


@pytest.mark.parametrize(
    "figure", ["lost", "doubled", "wrong", "others_lost", "others_doubled", "lake_lost", "lake_doubled"]
)
def test_one_broken_promise_fails_the_run(figure):
    assert kept(GOOD)
    assert not kept(replace(GOOD, **{figure: 1}))
