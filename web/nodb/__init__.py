"""A Django database backend for a project that has no relational database."""
