"""URLs of the task pages."""

from django.urls import path

from tasks.views import (
    actions,
    board,
    bulk,
    calendar,
    edit,
    history,
    inline_edit,
    listing,
    quick_add,
    repeats,
    search,
    snooze,
    trash,
    undo,
)

urlpatterns = [
    path("", listing.task_list, name="task-list"),
    path("board/", board.task_board, name="task-board"),
    path("calendar/", calendar.task_calendar, name="task-calendar"),
    path("trash/", trash.task_trash, name="task-trash"),
    path("trash/empty/", trash.trash_empty, name="trash-empty"),
    path("filters/", search.filter_save, name="filter-save"),
    path("tasks/", quick_add.task_add, name="task-add"),
    path("tasks/parse/", quick_add.task_parse, name="task-parse"),
    path("tasks/bulk/", bulk.task_bulk, name="task-bulk"),
    path("tasks/repeats/", repeats.task_repeats, name="task-repeats"),
    path("tasks/snooze/", snooze.task_snooze, name="task-snooze"),
    path("tasks/snooze/means/", snooze.task_snooze_means, name="task-snooze-means"),
    path("tasks/undo/", undo.task_undo, name="task-undo"),
    path("tasks/<uuid:task_id>/", edit.task_edit, name="task-edit"),
    path("tasks/<uuid:task_id>/inline/", inline_edit.task_inline, name="task-inline"),
    path("tasks/<uuid:task_id>/complete/", actions.task_complete, name="task-complete"),
    path("tasks/<uuid:task_id>/delete/", actions.task_delete, name="task-delete"),
    path("tasks/<uuid:task_id>/restore/", actions.task_restore, name="task-restore"),
    path("tasks/<uuid:task_id>/purge/", trash.task_purge, name="task-purge"),
    path("tasks/<uuid:task_id>/duplicate/", actions.task_duplicate, name="task-duplicate"),
    path("tasks/<uuid:task_id>/skip/", actions.task_skip, name="task-skip"),
    path("tasks/<uuid:task_id>/history/", history.task_history, name="task-history"),
    path("tasks/<uuid:task_id>/fresh/", edit.task_fresh, name="task-fresh"),
]
