"""Taking tasks along: exporting them all, and importing files of our own and of others' making."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from tasks.transfer.rows import MAX_ROWS

if TYPE_CHECKING:
    from tasks.transfer.exporting import FORMATS, export, export_rows
    from tasks.transfer.importing import ImportReport, RowResult, import_once, import_part, import_tasks

__all__ = [
    "FORMATS",
    "MAX_ROWS",
    "ImportReport",
    "RowResult",
    "export",
    "export_rows",
    "import_once",
    "import_part",
    "import_tasks",
]


def __getattr__(name: str) -> Any:
    """Import what somebody asks for: few processes export or import, and readers of files take long to import."""
    if name not in __all__:
        raise AttributeError(name)
    where = "exporting" if name.lower().startswith(("export", "formats")) else "importing"
    return getattr(import_module(f"{__name__}.{where}"), name)
