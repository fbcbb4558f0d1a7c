"""The figures of ``make test-crash``; ``.ci/run`` runs a round of each kind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.power_loss.mount import CannotMountError, PowerLossDisk
from tests.run import crash
from tests.run.crash import KILL, Round, kept, report

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


@pytest.fixture
def without_fuse(monkeypatch, tmp_path):
    """Let killing work, and mounting not."""

    def rounds_of(how, folder, _options):
        if how == KILL:
            return []
        with PowerLossDisk(folder / "disk"):
            raise AssertionError("this was mounted")

    monkeypatch.setattr("tests.power_loss.mount.shutil.which", lambda _name: None)
    monkeypatch.setattr(crash, "rounds_of", rounds_of)
    monkeypatch.setattr("sys.argv", ["crash"])
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.mark.usefixtures("without_fuse")
def test_where_mounting_is_not_allowed_it_says_so(monkeypatch, capsys):
    monkeypatch.delenv("CI", raising=False)
    crash.main()
    assert "Power loss was not tried: this machine cannot mount a file system" in capsys.readouterr().out


@pytest.mark.usefixtures("without_fuse")
def test_in_ci_power_loss_must_be_tried(monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(CannotMountError):
        crash.main()
