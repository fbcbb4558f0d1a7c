"""Exporting all tasks, and importing files of our own format and of other apps."""
