"""A file system that forgets at a loss of power what was not synced, and the tests that use it."""
