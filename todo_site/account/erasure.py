"""Deleting one's own account, with everything in the table that is about its owner.

Big accounts are emptied in portions first, so that the last step always fits. Every step can be done again. Copies in
the lake go with the operator's ``erase_user`` command; the log says for whom it is to be run.
"""

import logging

from tasks import administration as table_administration
from tasks import preferences, table
from tasks.context import RequestContext
from tasks.items import calendar_feed_key
from todo_site.identity import administration

_log = logging.getLogger(__name__)


def erase(ctx: RequestContext) -> None:
    """Delete the account of ``ctx.user_id`` and all it has. Raises Refused, WriteContention, VersionConflict."""
    profile = table_administration.profile_of(ctx.user_id)
    table.remove(preferences.key(ctx.user_id))
    table.remove(calendar_feed_key(ctx.user_id))
    while len(items := table_administration.belongings(ctx.user_id)) > table_administration.MAX_ERASED:
        table_administration.erase_items(ctx, items)
    if profile:
        administration.delete_user(ctx, profile)
    _log.warning(
        "account deleted by its owner: run erase_user for its copies in the lake",
        extra={"component": "web", "operation": "delete_account", "metadata": {"user_id": ctx.user_id}},
    )
