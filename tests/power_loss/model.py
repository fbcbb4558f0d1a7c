"""Files and directories as programs see them, and as the disk has them: what a loss of power leaves.

What POSIX promises and no more. A sync of a file keeps its content, not its name; a sync of a directory keeps the names
in it, not their files' content. Anything else may survive, in whole or in part and in any order, or may not: a renamed
file can be empty, an old name can come back, and a write can be there in half, or with zeros where an earlier one was
lost. Only a rename is never seen half done.
"""

from __future__ import annotations

import random
import stat
import time
from dataclasses import dataclass, field
from itertools import count

Write = tuple[int, bytes | None]  # offset and data; without data: the new length
_numbers = count(2)


@dataclass(eq=False)
class Node:
    """A file, a symbolic link or a directory; its mode and times are never lost."""

    mode: int
    number: int = field(default_factory=lambda: next(_numbers))
    owner: tuple[int, int] = (0, 0)
    modified: int = field(default_factory=time.time_ns)
    data: bytearray = field(default_factory=bytearray)
    saved: bytearray = field(default_factory=bytearray)
    pending: list[Write] = field(default_factory=list)
    names: dict[str, Node] = field(default_factory=dict)
    saved_names: dict[str, Node] = field(default_factory=dict)

    @property
    def is_directory(self) -> bool:
        """Whether it has names instead of data."""
        return stat.S_ISDIR(self.mode)


@dataclass(eq=False)
class Renaming:
    """Names that appear and go at once: directory, name, and the node that it stands for (None: the name goes)."""

    steps: list[tuple[Node, str, Node | None]]

    def of(self, directory: Node) -> bool:
        """Whether a sync of ``directory`` keeps it."""
        return any(parent is directory for parent, _, _ in self.steps)

    def save(self) -> None:
        """Let it reach the disk."""
        for parent, name, node in self.steps:
            put(parent.saved_names, name, node)


def put(names: dict[str, Node], name: str, node: Node | None) -> None:
    """Let a name stand for a node, or for none."""
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


def write(content: bytearray, change: Write) -> None:
    """Apply a write to a file's content."""
    offset, data = change
    length = offset if data is None else max(len(content), offset)
    del content[length:]
    content.extend(bytes(length - len(content)))
    if data is not None:
        content[offset : offset + len(data)] = data


class Disk:
    """A tree of nodes, and what a loss of power makes of it."""

    def __init__(self) -> None:
        self.root = Node(stat.S_IFDIR | 0o700, number=1)
        self.renamings: list[Renaming] = []

    def rename(self, *steps: tuple[Node, str, Node | None]) -> None:
        """Change names at once."""
        for parent, name, node in steps:
            put(parent.names, name, node)
            parent.modified = time.time_ns()
        self.renamings.append(Renaming(list(steps)))

    def write(self, node: Node, change: Write) -> None:
        """Change a file's content."""
        write(node.data, change)
        node.pending.append(change)
        node.modified = time.time_ns()

    def sync(self, node: Node) -> None:
        """Let a file's content or a directory's names reach the disk."""
        for change in node.pending:
            write(node.saved, change)
        node.pending.clear()
        for renaming in [each for each in self.renamings if each.of(node)]:
            renaming.save()
            self.renamings.remove(renaming)

    def unsynced(self) -> list[str]:
        """Return the paths of the files and directories that a sync would change."""
        changed = {id(parent) for renaming in self.renamings for parent, _, _ in renaming.steps}
        return [path or "/" for path, node in walk(self.root) if node.pending or id(node) in changed]

    def lose_power(self, seed: int | None) -> None:
        """Forget what was not synced: all of it without a seed, else what chance decides, half of a write included."""
        chance = random.Random(seed)
        for renaming in self.renamings:
            if seed is not None and chance.random() < 0.5:
                renaming.save()
        self.renamings.clear()
        seen: set[int] = set()
        self._restart(self.root, None if seed is None else chance, seen)

    def _restart(self, node: Node, chance: random.Random | None, seen: set[int]) -> None:
        seen.add(id(node))
        for change in survivors(node.pending, chance) if chance else []:
            write(node.saved, change)
        node.pending = []
        node.data = bytearray(node.saved)
        node.names = {name: child for name, child in node.saved_names.items() if id(child) not in seen}
        for child in node.names.values():
            self._restart(child, chance, seen)


def survivors(changes: list[Write], chance: random.Random) -> list[Write]:
    """Return those of a file's changes that reach the disk although nobody asked for it."""
    fate = chance.choice(["none", "the first", "any"])
    if fate == "none" or not changes:
        return []
    if fate == "any":
        return [
            half(change) if chance.random() < 0.2 else change for change in changes if chance.random() < 0.5
        ]
    number = chance.randrange(len(changes))
    return [*changes[:number], half(changes[number])]


def half(change: Write) -> Write:
    """Return the first half of a write."""
    offset, data = change
    return (offset, data[: len(data) // 2]) if data is not None else change


def walk(node: Node, path: str = "") -> list[tuple[str, Node]]:
    """Return every node below ``node`` with its path."""
    below = [entry for name, child in node.names.items() for entry in walk(child, f"{path}/{name}")]
    return [(path, node), *below]
