"""How much is used: by one person, read from the table within bounds; by everybody, from the published figures."""

import logging
import time
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from etl.lake.layout import GOLD_KPIS
from etl.lake.storage import Bucket
from identity import access_tokens, allowance, browsers
from store import rate_limits
from store.model import CHANGES, Item
from store.reading import count, query
from tasks import selectors
from tasks.forms import STATUS_LABELS
from tasks.items import TaskItem, task_key, trash_key
from todo_site.operations import aws

SHOWN = 10
TOTALS = {
    "total_users": _("People"),
    "active_users": _("Active in 30 days"),
    "total_tasks": _("Tasks"),
    "open_tasks": _("Open tasks"),
    "overdue_tasks": _("Overdue"),
    "completed_tasks": _("Completed"),
}
_log = logging.getLogger(__name__)


def of_person(user_id: str) -> dict[str, Any]:
    """Return what a person uses: tasks, open ones, the last change, requests of this minute and of a day.

    Seven Queries, none of more than a megabyte, and two GetItems.
    """
    tasks, tasks_all = count(task_key(user_id, "")[0])
    found = [
        count(f"USER#{user_id}", Item.GSI1SK.startswith(f"STATUS#{status}#"), index="GSI1")
        for status in ("pending", "in_progress")
    ]
    return {
        "tasks": tasks,
        "tasks_all": tasks_all,
        "open": sum(number for number, _all in found),
        "open_all": all(is_all for _number, is_all in found),
        "last_change": _last_change(user_id),
        "requests": [
            _requests(gettext("API"), user_id, settings.RATE_LIMIT_PER_MINUTE),
            _requests(gettext("Pages"), allowance.page_principal(user_id), settings.PAGE_LIMIT_PER_MINUTE),
        ],
    }


def _last_change(user_id: str) -> datetime | None:
    partitions = (task_key(user_id, "")[0], trash_key(user_id, "")[0])
    latest = [
        item.attribute_values["updated_at"]
        for pk in partitions
        for item in query(Item, pk, index=CHANGES, limit=1, forward=False).items
    ]
    return datetime.fromisoformat(max(latest)) if latest else None


def _requests(name: str, principal: str, limit: int) -> dict[str, Any]:
    now = time.time()
    used = rate_limits.used(principal, now)
    return {
        "name": name,
        "used": used,
        "limit": limit,
        "left": max(0, limit - used),
        "day": rate_limits.last_day(principal, now),
    }


def holdings(user_id: str) -> list[dict[str, Any]]:
    """Return the newest tasks, sessions and access tokens of a person, with the addresses of their pages."""
    tasks: list[TaskItem] = selectors.list_tasks(user_id, limit=SHOWN).items
    return [
        _listed(
            gettext("Tasks"),
            "task",
            user_id,
            [
                (f"{user_id}.{t.id}", t.title, str(STATUS_LABELS.get(t.status, t.status)), t.created_at)
                for t in tasks
            ],
        ),
        _listed(
            gettext("Sessions"),
            "session",
            user_id,
            [
                (one.id, one.browser, "", one.since.astimezone(UTC).isoformat())
                for one in browsers.signed_in(user_id, None)[:SHOWN]
            ],
        ),
        _listed(
            gettext("Access tokens"),
            "accesstoken",
            user_id,
            [
                (token.id, token.name, token.scope, token.created_at)
                for token in islice(access_tokens.list_tokens(user_id), SHOWN)
            ],
        ),
    ]


def _listed(name: str, model: str, user_id: str, rows: list[tuple[str, str, str, str]]) -> dict[str, Any]:
    return {
        "name": name,
        "url": f"{reverse(f'admin:tasks_{model}_changelist')}?user_id__exact={user_id}",
        "rows": [
            {
                "url": reverse(f"admin:tasks_{model}_change", args=(key,)),
                "name": title,
                "about": about,
                "since": f"{since[:10]} {since[11:19]} UTC",
            }
            for key, title, about, since in rows
        ],
    }


def totals() -> dict[str, Any] | None:
    """Return the totals of the last published figures, and of when they are; None without any. One GetObject."""
    try:
        found = Bucket(settings.GOLD_BUCKET, aws.client("s3")).get_json(GOLD_KPIS)
    except (BotoCoreError, ClientError) as error:
        _log.warning("the published figures cannot be read", exc_info=error)
        return None
    if found is None:
        return None
    values = found[0]["values"]
    return {
        "as_of": datetime.fromisoformat(found[0]["published_at"]).astimezone(UTC),
        "figures": [(name, int(values[key])) for key, name in TOTALS.items() if key in values],
    }
