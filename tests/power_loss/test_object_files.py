"""An S3 object's files after a loss of power at every single step of writes, an overwrite and a deletion."""

from __future__ import annotations

import json
import threading
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from localcloud import files
from localcloud.aws.s3_files import SIDECAR, digest, finish_interrupted_writes, remove_object, write_object
from tests.power_loss.mount import PowerLossDisk

pytestmark = pytest.mark.slow
# What is done to the object, and so what it may be: its body, None when it is gone.
HISTORY = [b"first", b"second, longer", b"third", None, b"fourth", b"fifth"]
SEEDS = [None, *range(3)]


class FailedError(Exception):
    """Stands for the end of the process after a sync that failed."""


@pytest.fixture(autouse=True)
def durable(monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(_status: int) -> None:
        raise FailedError

    monkeypatch.setenv("DURABLE", "1")
    monkeypatch.setattr("os._exit", leave)


def do(path: Path, history: list[bytes | None], done: list[bytes | None]) -> None:
    """Do all that the history says and note what was acknowledged."""
    with suppress(OSError, FailedError):
        for body in history:
            if body is None:
                remove_object(path)
            else:
                write_object(path, {"is": body.decode()}, body)
            done.append(body)


def lose_power_after(
    operations: int, seed: int | None, path: Path, disk: PowerLossDisk
) -> list[bytes | None]:
    """Lose power while the history is done; return what was acknowledged before."""
    done: list[bytes | None] = []
    worker = threading.Thread(target=do, args=[path, HISTORY, done])
    disk.fail_after(operations)
    worker.start()
    while worker.is_alive() and disk.has_power():
        time.sleep(0.001)
    disk.cut(seed, fail=True)
    worker.join()
    disk.restore()
    return done


def state(path: Path) -> bytes | None:
    """Return the object's body; fail if its metadata belong to another."""
    sidecar = path.with_name(f"{path.name}{SIDECAR}")
    if not path.exists():
        return None
    body, metadata = path.read_bytes(), json.loads(sidecar.read_bytes())
    assert (metadata["is"], metadata["data_digest"]) == (body.decode(), digest(body)), "a mixture"
    return body


@pytest.mark.sliced
@pytest.mark.parametrize("seed", SEEDS)
def test_it_is_the_last_acknowledged_or_the_next(
    seed: int | None, disk: PowerLossDisk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in count():
        folder = disk.directory / f"bucket-{number}"
        folder.mkdir()
        monkeypatch.setattr(files, "_named", set())
        files.keep_names(folder)
        done = lose_power_after(number, None if seed is None else seed * 1000 + number, folder / "key", disk)
        finish_interrupted_writes(folder)
        last, following = [None, *done][-1], [*HISTORY, HISTORY[-1]][len(done)]
        assert state(folder / "key") in (last, following), f"after {number} operations, {len(done)} done"
        if done == HISTORY:
            break
