"""The task pages: each view parses, calls one service or selector, and renders."""

from tasks.views.actions import task_complete, task_delete, task_duplicate, task_restore, task_skip
from tasks.views.board import task_board
from tasks.views.bulk import task_bulk
from tasks.views.calendar import task_calendar
from tasks.views.edit import task_edit, task_fresh
from tasks.views.history import task_history
from tasks.views.inline_edit import task_inline
from tasks.views.listing import task_list
from tasks.views.quick_add import task_add, task_parse
from tasks.views.search import filter_save
from tasks.views.trash import task_purge, task_trash, trash_empty
from tasks.views.undo import task_undo

__all__ = [
    "filter_save",
    "task_add",
    "task_board",
    "task_bulk",
    "task_calendar",
    "task_complete",
    "task_delete",
    "task_duplicate",
    "task_edit",
    "task_fresh",
    "task_history",
    "task_inline",
    "task_list",
    "task_parse",
    "task_purge",
    "task_restore",
    "task_skip",
    "task_trash",
    "task_undo",
    "trash_empty",
]
