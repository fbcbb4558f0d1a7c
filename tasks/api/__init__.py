"""The tasks' part of the REST API. Operations are thin: they parse, call one service or selector, and render."""
