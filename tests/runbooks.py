"""What the runbooks tell people to type, in the order in which they read it. Neither Django nor CDK is needed."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))
MANAGE = ".venv/bin/python manage.py "
TYPED = ("make ", "eval ", "source ", ".venv/bin/python ")  # what a code within a sentence begins with
_CODE = re.compile(r"```sh\n(.*?)```|`([^`\n]+)`", re.DOTALL)


def commands(path: Path) -> Iterator[str]:
    """Yield the lines of a document's blocks, and the commands within its sentences."""
    for block, span in _CODE.findall(path.read_text()):
        if block:
            yield from (line.strip() for line in joined(block.replace("\\\n", " ")) if line.strip())
        elif span.startswith(TYPED):
            yield span


def joined(block: str) -> Iterator[str]:
    """Yield the lines of a block without comments, those within quotation marks together."""
    whole = ""
    for line in block.splitlines():
        whole = f"{whole}\n{line}" if whole else re.sub(r"\s+#\s.*", "", line)
        if whole.count("'") % 2 == 0:
            yield whole
            whole = ""
    assert not whole, whole


def make_words(line: str) -> list[str] | None:
    """Return the words after `make` of a line that is such a command, also within `eval`; None of another."""
    found = re.fullmatch(r'(?:[A-Z_]+=\S+ )*(?:eval "\$\()?make ([^()"]+)(?:\)")?', line)
    return found[1].split() if found else None
