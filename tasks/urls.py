"""URLs of the task pages."""

from django.urls import path

from tasks import views

urlpatterns = [
    path("", views.task_list, name="task-list"),
    path("tasks/", views.task_add, name="task-add"),
    path("tasks/<uuid:task_id>/", views.task_edit, name="task-edit"),
    path("tasks/<uuid:task_id>/complete/", views.task_complete, name="task-complete"),
    path("tasks/<uuid:task_id>/delete/", views.task_delete, name="task-delete"),
    path("tasks/<uuid:task_id>/restore/", views.task_restore, name="task-restore"),
]
