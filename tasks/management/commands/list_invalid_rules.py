"""``manage.py list_invalid_rules``: the open tasks whose recurrence rule cannot be read."""

from typing import Any

from django.core.management.base import BaseCommand

from store.model import Item
from store.reading import query
from tasks import recurrence
from tasks.items import OPEN_STATUSES, TaskItem
from store.model import feed_keys
