"""Export of all tasks, and import of our own files and Todoist's."""
