"""A disk that forgets, where the machine lets the tests mount one; and a local AWS on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from localcloud.server import LocalAws
from tests.localcloud.conftest import ClientOf, client, free_port
from tests.power_loss.mount import CannotMountError, PowerLossDisk


@pytest.fixture(scope="session", autouse=True)
def static_files() -> None:
    """Stand in for the site's own: nothing here renders a page in this process."""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[PowerLossDisk]:
    """A disk of the test's own, mounted."""
    try:
        with PowerLossDisk(tmp_path / "disk") as mounted:
            yield mounted
    except CannotMountError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"cannot mount a file system: {error}")


class PoweredAws(LocalAws):
    """A local AWS that is killed by a loss of power; ``seeds`` decide what survives that was not synced."""

    def __init__(self, disk: PowerLossDisk, seeds: Iterator[int | None]) -> None:
        super().__init__(disk.directory, free_port())
        self.disk, self.seeds = disk, seeds

    def kill(self) -> None:
        """Lose power."""
        if self.process is not None:
            self.disk.cut(next(self.seeds))
            self.process.kill()
            self.disk.restore()
        super().kill()


@pytest.fixture
def seeds() -> Iterator[int | None]:
    """What decides at each loss of power: at the first nothing survives, later chance."""
    return iter([None, *range(1000)])


@pytest.fixture
def aws(
    disk: PowerLossDisk, seeds: Iterator[int | None], monkeypatch: pytest.MonkeyPatch
) -> Iterator[PoweredAws]:
    """A durable server on the disk, started."""
    monkeypatch.setenv("DURABLE", "1")
    server = PoweredAws(disk, seeds)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def of(aws: PoweredAws) -> ClientOf:
    """`of("dynamodb")` is a client of the server."""
    return lambda service: client(aws, service)
