"""Two rounds of what ``make test-crash`` does ten times."""

from __future__ import annotations

import pytest

from tests.run.crash import CrashTest, Round, report


@pytest.fixture
def crash_test(tmp_path):
    test = CrashTest(tmp_path / "local")
    yield test
    test.stack.clean_up()


@pytest.mark.long
def test_no_acknowledged_write_is_lost_in_two_crashes(crash_test):
    crash_test.begin()
    for number in (1, 2):
        one = crash_test.round(seconds=3)
        assert one.acknowledged > 0
        assert (one.lost, one.doubled, one.wrong) == (0, 0, 0), f"round {number}: {one}"

    assert [client.refused for client in crash_test.clients] == [[]] * len(crash_test.clients)


def test_the_report_adds_up():
    rounds = [Round(1, 9, 100, 8, 3, 0, 0, 0, 4.04, 2.0), Round(2, 9, 1200, 8, 4, 1, 0, 0, 4.0, 2.0)]

    assert "| 1 | 9 | 100 | 8 | 3 | 0 | 0 | 0 | 4.0 | 2.0 |" in report(rounds)
    assert report(rounds).splitlines()[-1] == "| all | 18 | 1,300 | 16 | 7 | 1 | 0 | 0 | | |"
