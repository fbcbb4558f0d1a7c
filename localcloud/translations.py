"""``python -m localcloud.translations``: bring the catalogues up to date with the texts in code and templates.

New texts get an empty translation; texts no longer used are dropped. ``bootstrap`` compiles the catalogues.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_python
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
CATALOGUES = sorted(ROOT.glob("locale/*/LC_MESSAGES/django.po"))
FOLDERS = ("tasks", "insights", "identity", "dynamo_admin", "web", "store", "todo_site", "templates")
KEYWORDS = {**DEFAULT_KEYWORDS, "_now": None, "gettext_lazy": None, "ngettext_lazy": (1, 2)}


def extract_template(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterator[Any]:
    """Extract the texts of a Django template, as Babel's other extraction methods do for their languages."""
    code = templatize(file.read().decode())
    # Parentheses make the indentation, which templates do not keep to, meaningless to Python's tokenizer.
    return extract_python(BytesIO(f"({code}\n)".encode()), keywords, comment_tags, options)


def extracted() -> Catalog:
    """Return the texts of all code and templates, in the order of files and lines."""
    texts = Catalog()
    methods = [("**.py", "python"), ("**.html", "localcloud.translations:extract_template")]
    for folder in FOLDERS:
        found = extract_from_dir(ROOT / folder, methods, keywords=KEYWORDS)
        for _file, _line, message, _comments, context in found:
            texts.add(message, context=context)
    return texts


def updated(path: Path) -> tuple[bytes, Catalog]:
    """Return what the catalogue at ``path`` is to be, as a file and as its texts.

    Its header stays. It is sorted by text: a text keeps its place whatever file uses it.
    """
    content = path.read_bytes()
    catalogue = read_po(BytesIO(content), locale=path.parts[-3])
    catalogue.update(extracted(), no_fuzzy_matching=True, update_creation_date=False)
    for message in catalogue:
        message.flags.clear()
    entries = BytesIO()
    write_po(entries, catalogue, width=0, omit_header=True, sort_output=True, ignore_obsolete=True)
    header = content.partition(b"\n\n")[0]
    return header + b"\n\n" + entries.getvalue().rstrip() + b"\n", catalogue


def main() -> None:
    """Rewrite every catalogue."""
    for path in CATALOGUES:
        content, catalogue = updated(path)
        path.write_bytes(content)
        missing = sum(not message.string for message in catalogue)
        print(f"{path.relative_to(ROOT)}: {len(catalogue)} texts, {missing} without a translation")


if __name__ == "__main__":
    main()
