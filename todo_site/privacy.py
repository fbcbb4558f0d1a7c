"""The page that says what the site keeps about people, where, for how long, and who sees it.

Its figures are those that the code goes by; two are the stacks' (``tests/web/test_privacy.py`` compares them).
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from etl.lake.layout import REQUESTS_PREFIX, RETENTION_DAYS
from identity import tries
from store import idempotency
from tasks.transfer import export_jobs
from tasks.write_plans import TRASH_KEPT_SECONDS

BACKUP_DAYS, LOG_DAYS = 35, 30  # of the table's backups, and of the functions' logs
_DAY, _HOUR = 24 * 3600, 3600


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Show the notice, to anybody."""
    figures = {
        "trash_days": TRASH_KEPT_SECONDS // _DAY,
        "idle_days": settings.SESSION_IDLE_SECONDS // _DAY,
        "session_days": settings.SESSION_COOKIE_AGE // _DAY,
        "device_days": tries.COOKIE_SECONDS // _DAY,
        "tries_hours": max(tries.TRY_SECONDS, tries.MAIL_SECONDS, tries.DAY_SECONDS) // _HOUR,
        "replies_hours": idempotency.KEPT_SECONDS // _HOUR,
        "files_hours": export_jobs.KEPT_SECONDS // _HOUR,
        "requests_days": RETENTION_DAYS["bronze"][REQUESTS_PREFIX],
        "backup_days": BACKUP_DAYS,
        "log_days": LOG_DAYS,
    }
    return render(request, "privacy.html", {**figures, "titles": settings.INSIGHTS_SHOW_TITLES})
