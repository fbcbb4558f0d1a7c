"""What the disk that forgets keeps and loses."""

from __future__ import annotations

import random
import stat

from tests.power_loss.model import Disk, Node, survivors

FILE = stat.S_IFREG | 0o600


def disk_with(name: str, content: bytes) -> tuple[Disk, Node]:
    """A disk with one file that is on it."""
    disk, node = Disk(), Node(FILE)
    disk.rename((disk.root, name, node))
    disk.write(node, (0, content))
    disk.sync(node)
    disk.sync(disk.root)
    return disk, node


def contents(disk: Disk) -> dict[str, bytes]:
    return {name: bytes(node.data) for name, node in disk.root.names.items()}


def test_a_synced_file_without_a_synced_name_is_lost() -> None:
    disk, node = Disk(), Node(FILE)
    disk.rename((disk.root, "a", node))
    disk.write(node, (0, b"content"))
    disk.sync(node)
    assert disk.unsynced() == ["/"]
    disk.lose_power(None)
    assert contents(disk) == {}


def test_a_renamed_file_without_a_sync_is_empty() -> None:
    disk, _ = disk_with("a", b"old")
    new = Node(FILE)
    disk.rename((disk.root, "a.tmp", new))
    disk.write(new, (0, b"new"))
    disk.rename((disk.root, "a.tmp", None), (disk.root, "a", new))
    disk.sync(disk.root)
    disk.lose_power(None)
    assert contents(disk) == {"a": b""}


def test_an_unsynced_rename_is_undone_as_a_whole() -> None:
    disk, node = disk_with("a", b"old")
    disk.rename((disk.root, "a", None), (disk.root, "b", node))
    disk.lose_power(None)
    assert contents(disk) == {"a": b"old"}


def test_an_append_is_kept_in_part_and_with_gaps() -> None:
    seen = set()
    for seed in range(200):
        disk, node = disk_with("a", b"ab")
        for offset, data in ((2, b"cd"), (4, b"ef"), (6, b"gh")):
            disk.write(node, (offset, data))
        disk.lose_power(seed)
        seen.add(contents(disk)["a"])
    assert {b"ab", b"abc", b"abcdef", b"abcdefg"} <= seen, "a part"
    assert {b"ab\0\0ef", b"ab\0\0\0\0gh"} <= seen, "with gaps"
    assert all(content.startswith(b"ab") for content in seen), "what was synced stays"


def test_a_seed_decides_the_same_again() -> None:
    changes = [(number * 3, b"abc") for number in range(9)]
    again = [survivors(list(changes), random.Random(7)) for _ in range(2)]
    assert again[0] == again[1]
