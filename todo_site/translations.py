"""Translations without the gettext programs: reading catalogues (.po) and writing what Django loads (.mo).

Catalogues here have only what this project writes: comments, msgctxt-free entries, plurals, multi-line strings.
"""

import ast
import struct
import tempfile
from contextlib import suppress
from pathlib import Path

Catalogue = dict[str, list[str]]


def read_po(text: str) -> Catalogue:
    """Return the entries of a catalogue: message (singular and plural joined by NUL) to its translations."""
    entries: Catalogue = {}
    for block in text.split("\n\n"):
        fields = _fields(block)
        if "msgid" not in fields:
            continue
        key = fields["msgid"] + (f"\0{fields['msgid_plural']}" if "msgid_plural" in fields else "")
        entries[key] = [value for name, value in fields.items() if name.startswith("msgstr")]
    return entries


def _fields(block: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in block.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not line.startswith('"'):
            name, _, line = line.partition(" ")  # noqa: PLW2901
            fields[name] = ""
        fields[name] += ast.literal_eval(line)
    return fields


def write_mo(entries: Catalogue) -> bytes:
    """Return the entries as a .mo file (GNU gettext, little endian, without a hash table)."""
    pairs = sorted(
        (key.encode(), "\0".join(values).encode()) for key, values in entries.items() if all(values)
    )
    count = len(pairs)
    start = 28 + 16 * count
    ids: list[bytes] = []
    texts: list[bytes] = []
    data = b""
    for table, column in ((ids, 0), (texts, 1)):
        for pair in pairs:
            table.append(struct.pack("<II", len(pair[column]), start + len(data)))
            data += pair[column] + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, count, 28, 28 + 8 * count, 0, start)
    return header + b"".join(ids) + b"".join(texts) + data


def compile_changed(folder: Path) -> list[Path]:
    """Write the .mo beside every .po under ``folder`` that is newer than it, and return what was written.

    Where nothing can be written, as in a deployed package, what is there stays.
    """
    written = []
    for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
            with suppress(OSError):
                _replace(target, write_mo(read_po(source.read_text(encoding="utf-8"))))
                written.append(target)
    return written


def _replace(target: Path, content: bytes) -> None:
    """Write all or nothing: another process may be reading."""
    with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
        file.write(content)
    Path(file.name).replace(target)


def write_po(entries: Catalogue) -> str:
    """Return the entries as a catalogue, the header (the entry of the empty message) first."""
    return "\n".join(_entry(key, values) for key, values in entries.items())


def _entry(key: str, values: list[str]) -> str:
    singular, _, plural = key.partition("\0")
    lines = [f"msgid {_quoted(singular)}"]
    if plural:
        lines += [
            f"msgid_plural {_quoted(plural)}",
            *(f"msgstr[{n}] {_quoted(v)}" for n, v in enumerate(values)),
        ]
    else:
        lines.append(f"msgstr {_quoted(values[0])}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    parts = [f'"{part}"' for part in escaped.replace("\n", "\\n\n").split("\n") if part]
    return parts[0] if len(parts) == 1 else "\n".join(['""', *parts])
