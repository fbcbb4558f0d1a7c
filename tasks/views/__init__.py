"""The task pages: each view parses, calls one service or selector, and renders."""

from tasks.views.changes import task_add, task_complete, task_delete, task_restore
from tasks.views.edit import task_edit
from tasks.views.listing import task_list

__all__ = ["task_add", "task_complete", "task_delete", "task_edit", "task_list", "task_restore"]
