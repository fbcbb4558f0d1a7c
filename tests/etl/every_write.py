"""The lake job killed before each single write of a run: `make test-parity`.

Left out of `make test` by its name: `test_faults.py` there kills at every step, this at every file and partition too.
"""

from tests.etl.test_faults import die_and_recover, shared, stage  # noqa: F401  fixtures


def test_a_run_killed_before_any_write_is_made_good_by_the_next(stage):  # noqa: F811
    writes = stage.writes.total()
    assert writes >= 50
    for number in range(writes):
        stage.put_back()
        die_and_recover(stage, lambda step, at=number: stage.watch.made.total() == at)
