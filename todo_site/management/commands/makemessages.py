"""``manage.py makemessages``: bring the catalogues up to date with the texts in code and templates.

Like Django's command of that name, without the gettext programs: Python is parsed, templates are read by Django itself.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.utils.translation.template import templatize

from todo_site import translations

CODE = ("tasks", "insights", "identity", "dynamo_admin", "web", "store", "todo_site")
TEMPLATES = ("templates/**/*.html", "dynamo_admin/templates/**/*.html")
_CALLS = {"gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"}
_TEMPLATIZED = re.compile(
    r"""\b(n?gettext)\(u?((?:'(?:[^'\\]|\\.)*')|(?:"(?:[^"\\]|\\.)*"))(?:,\s*u?((?:'(?:[^'\\]|\\.)*')|(?:"(?:[^"\\]|\\.)*")))?|\b_\(u?((?:'(?:[^'\\]|\\.)*')|(?:"(?:[^"\\]|\\.)*"))"""
)


class Command(BaseCommand):
    """Add new texts with an empty translation, and drop those that are gone."""

    help = __doc__
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Rewrite every catalogue."""
        wanted = texts(settings.BASE_DIR)
        for path in sorted(Path(settings.LOCALE_PATHS[0]).glob("*/LC_MESSAGES/django.po")):
            known = translations.read_po(path.read_text(encoding="utf-8"))
            kept = {key: known.get(key, [""] * (2 if "\0" in key else 1)) for key in wanted}
            path.write_text(translations.write_po({"": known[""], **kept}), encoding="utf-8")
            missing = sum(not all(values) for values in kept.values())
            self.stdout.write(f"{path}: {len(kept)} texts, {missing} without a translation")


def texts(root: Path) -> list[str]:
    """Return every text to translate, each once, in the order of files and lines."""
    found: dict[str, None] = {}
    for folder in CODE:
        for path in sorted((root / folder).rglob("*.py")):
            found |= dict.fromkeys(_in_code(path))
    for pattern in TEMPLATES:
        for path in sorted(root.glob(pattern)):
            if path.is_file():
                found |= dict.fromkeys(_in_template(path))
    return list(found)


def _in_code(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = _names(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in calls:
            count = 2 if calls[node.func.id].startswith("ngettext") else 1
            given = [argument.value for argument in node.args[:count] if isinstance(argument, ast.Constant)]
            if len(given) == count and all(isinstance(text, str) for text in given):
                yield "\0".join(str(text) for text in given)


def _names(tree: ast.AST) -> dict[str, str]:
    """Return what the file calls Django's functions, and which of them that is."""
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return {
        alias.asname or alias.name: alias.name
        for node in imports
        if node.module == "django.utils.translation"
        for alias in node.names
        if alias.name in _CALLS
    }


def _in_template(path: Path) -> Iterator[str]:
    for match in _TEMPLATIZED.finditer(templatize(path.read_text(encoding="utf-8"))):
        given = [ast.literal_eval(text) for text in (match[4] or match[2], match[3]) if text]
        yield "\0".join(given)
