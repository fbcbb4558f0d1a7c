"""Many people at once: reads, writes and pages without an error, and everything acknowledged is there."""

from __future__ import annotations

import pytest

from bench.load import Load, report


@pytest.mark.long
def test_twenty_people_at_once(tmp_path):
    load = Load(tmp_path / "local", clients=20)
    try:
        load.begin()
        load.run(seconds=10, warm_up=2)
        assert load.answers.errors == [], "\n".join(report(load))
        assert load.differences() == []
    finally:
        load.stack.clean_up()
