"""Taking tasks along: exporting them all, and importing files of our own and of others' making."""

from tasks.transfer.exporting import FORMATS, export, export_rows
from tasks.transfer.importing import ImportReport, RowResult, import_once, import_part, import_tasks
from tasks.transfer.rows import MAX_ROWS

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
