"""The failure queue of change capture as admins see it: how many changes wait there, since when, and why."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from etl.capture import dead_letters
from etl.capture.dead_letters import DeadLetter
from identity.audited_admin import admin_context, name_of
from store import audit
from store.request_context import RequestContext
from store.writing import write
from todo_site.operations import aws

DISCARD = "discard"
SHOWN = 10
# What capture says, in its words; what it quotes of an error stays as it is.
REASONS = {
    dead_letters.FOREIGN: gettext_lazy(
        "the message is not about a change of the table: neither change capture nor its mapping wrote it"
    )
}


@dataclass(frozen=True, slots=True)
class Queue:
    """What the pages show of the queue.

    Parameters
    ----------
    messages
        How many wait; None if it is unknown, and why is in ``problem``.
    since
        When the oldest of ``letters`` came.
    letters
        The fields of those that are listed, with ``at``, when it came.
    """

    messages: int | None
    since: datetime | None = None
    letters: tuple[dict[str, Any], ...] = ()
    problem: str = ""

    @property
    def more(self) -> int:
        """How many messages are not listed."""
        return (self.messages or 0) - len(self.letters)


def look() -> Queue | None:
    """Return the queue as it is now; None if the site has none. About three requests to SQS."""
    if not settings.CDC_FAILURE_QUEUE_URL:
        return None
    try:
        found = dead_letters.waiting(settings.CDC_FAILURE_QUEUE_URL, aws.client("sqs"), SHOWN)
    except (BotoCoreError, ClientError) as error:
        return Queue(None, problem=_("The failure queue cannot be read: %(error)s") % {"error": error})
    letters = tuple(_shown(letter) for letter in found.letters)
    return Queue(found.messages, _moment(found.since), letters)


def _shown(letter: DeadLetter) -> dict[str, Any]:
    reason = REASONS.get(letter.reason, letter.reason)
    return asdict(letter) | {"at": _moment(letter.since), "reason": reason}


def _moment(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def letter(message_id: str) -> DeadLetter | None:
    """Return the message of this id; None if it is not in the queue, or somebody else is reading it just now."""
    return dead_letters.find(settings.CDC_FAILURE_QUEUE_URL, aws.client("sqs"), message_id)


def discard(ctx: RequestContext, actor: str, found: DeadLetter) -> bool:
    """Delete a message, which the audit trail keeps; return False if it is no longer there.

    ``ctx`` says who does it, when, and for which request; ``actor`` is their name. The entry belongs to the person
    whose change it was, and is erased with them.
    """
    write(
        [
            audit.entry(
                replace(ctx, user_id=found.user_id or "lake"),
                actor=actor,
                action=DISCARD,
                kind="lake",
                identifier=found.id,
                name=found.about or found.id,
                message=found.reason,
            )
        ]
    )
    return dead_letters.discard(settings.CDC_FAILURE_QUEUE_URL, aws.client("sqs"), found.id)


def discard_or_ask(request: HttpRequest) -> dict[str, Any] | HttpResponse:
    """Discard the message that a POST names, after a question."""
    found = letter(request.POST.get("message", ""))
    if found is None:
        messages.error(request, _("The message is not in the failure queue any more, or is being replayed."))
        return redirect("admin:pipeline")
    if "apply" not in request.POST:
        return {
            "question": _("Discard this change?"),
            "notes": (
                found.about,
                REASONS.get(found.reason, found.reason),
                _(
                    "The lake never learns of it. "
                    "The next change of the same item brings the lake its state at that time."
                ),
            ),
            "fields": {"message": found.id},
            "order": DISCARD,
            "button": _("Discard"),
        }
    if discard(admin_context(request, "lake"), name_of(request), found):
        messages.success(request, _("The change is discarded."))
    else:
        messages.error(request, _("The message is not in the failure queue any more, or is being replayed."))
    return redirect("admin:pipeline")
