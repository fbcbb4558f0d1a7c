"""What programs of `make run` note in LOCAL_DIR with DURABLE=1, after a loss of power."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localcloud import files
from localcloud.capture import Checkpoints
from localcloud.log_subscription import Follower
from localcloud.provision import read_secrets, save_secret
from tasks.demo.state import Manifest
from tests.power_loss.mount import PowerLossDisk

pytestmark = pytest.mark.slow
SEEDS = [None, *range(5)]


@pytest.fixture(autouse=True)
def durable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURABLE", "1")
    monkeypatch.setattr(files, "_named", set())


def lose_power(disk: PowerLossDisk, seed: int | None) -> None:
    disk.cut(seed)
    disk.restore()


def checkpoint(folder: Path) -> Callable[[], Any]:
    noted = Checkpoints(folder / "capture.json", "stream")
    for number in range(5):
        noted.save("shard", str(number))
    return lambda: Checkpoints(folder / "capture.json", "stream").positions


def secret(folder: Path) -> Callable[[], Any]:
    save_secret(folder, "DEMO_PASSWORD", "Demo-1")
    return lambda: read_secrets(folder)


def demo(folder: Path) -> Callable[[], Any]:
    manifest = Manifest("table", "pool", 1, "2026-01-01", 3, 10, 1)
    manifest.write(folder / "demo.json")
    manifest.finished().write(folder / "demo.json")
    return lambda: Manifest.read(folder / "demo.json")


def earlier_run(folder: Path) -> Callable[[], Any]:
    """Files of a run without DURABLE, which the next one with it starts on."""
    written = {folder / "static" / "css" / f"{number}.css": "a" * number for number in range(9)}
    (folder / "static" / "css").mkdir(parents=True)
    for path, text in written.items():
        path.write_text(text)
    files.sync_tree(folder)
    return lambda: all(path.read_text() == text for path, text in written.items())


KINDS = [checkpoint, secret, demo, earlier_run]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_noted_is_there(kind: Callable[[Path], Callable[[], Any]], disk: PowerLossDisk) -> None:
    for seed in SEEDS:
        folder = disk.directory / f"run-{seed}"
        folder.mkdir()
        files.keep_names(folder)
        look = kind(folder)
        before = look()
        lose_power(disk, seed)
        assert look() == before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("forgotten", [r"/run/.*\.|css/", r"/run$"], ids=["content", "name"])
def test_without_a_sync_it_is_lost(
    kind: Callable[[Path], Callable[[], Any]], forgotten: str, disk: PowerLossDisk
) -> None:
    folder = disk.directory / "run"
    folder.mkdir()
    files.keep_names(folder)
    disk.never_sync(forgotten)
    look = kind(folder)
    before = look()
    lose_power(disk, None)
    try:
        after = look()
    except (OSError, ValueError):
        after = None
    assert after != before


@pytest.mark.parametrize("seed", SEEDS)
def test_lines_after_a_lost_end_of_the_log_are_sent(seed: int | None, disk: PowerLossDisk) -> None:
    log, noted = disk.directory / "logs" / "web.log", disk.directory / "logs.json"
    log.parent.mkdir()
    with log.open("ab") as file:
        file.writelines(b'{"line": %d}\n' % number for number in range(500))
    follower = Follower(log, noted)
    lines, position = follower.read()
    assert len(lines) == 500
    follower.done(position)
    lose_power(disk, seed)
    with log.open("ab") as file:
        file.write(b'{"line": "after"}\n')
    lines, _ = Follower(log, noted).read()
    assert json.loads(lines[-1]) == {"line": "after"}


def test_without_durable_nothing_is_synced(disk: PowerLossDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DURABLE", "0")
    checkpoint(disk.directory)
    secret(disk.directory)
    assert disk.syncs() == 0
