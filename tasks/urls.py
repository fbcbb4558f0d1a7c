"""URLs of the task pages."""

from django.urls import path

from tasks import views

urlpatterns = [
    path("", views.task_list, name="task-list"),
    path("board/", views.task_board, name="task-board"),
    path("calendar/", views.task_calendar, name="task-calendar"),
    path("trash/", views.task_trash, name="task-trash"),
    path("trash/empty/", views.trash_empty, name="trash-empty"),
    path("filters/", views.filter_save, name="filter-save"),
    path("tasks/", views.task_add, name="task-add"),
    path("tasks/parse/", views.task_parse, name="task-parse"),
    path("tasks/bulk/", views.task_bulk, name="task-bulk"),
    path("tasks/undo/", views.task_undo, name="task-undo"),
    path("tasks/<uuid:task_id>/", views.task_edit, name="task-edit"),
    path("tasks/<uuid:task_id>/inline/", views.task_inline, name="task-inline"),
    path("tasks/<uuid:task_id>/complete/", views.task_complete, name="task-complete"),
    path("tasks/<uuid:task_id>/delete/", views.task_delete, name="task-delete"),
    path("tasks/<uuid:task_id>/restore/", views.task_restore, name="task-restore"),
    path("tasks/<uuid:task_id>/purge/", views.task_purge, name="task-purge"),
    path("tasks/<uuid:task_id>/duplicate/", views.task_duplicate, name="task-duplicate"),
    path("tasks/<uuid:task_id>/skip/", views.task_skip, name="task-skip"),
    path("tasks/<uuid:task_id>/history/", views.task_history, name="task-history"),
    path("tasks/<uuid:task_id>/fresh/", views.task_fresh, name="task-fresh"),
]
