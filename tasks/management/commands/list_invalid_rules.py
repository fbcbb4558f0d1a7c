"""``manage.py list_invalid_rules``: the open tasks whose recurrence rule cannot be read."""
