"""A job done in steps, such as an export or an import, after a request that began it or did a step."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from store.commit import Committed, Plan, commit
from store.idempotency import Once, Slot, StoredReply
from store.request_context import RequestContext

Job = TypeVar("Job")


@dataclass(frozen=True, slots=True)
class Stepped(Generic[Job]):
    """The job; or, if the request was sent again, only the stored ``reply``."""

    item: Job | None
    reply: StoredReply | None = None
    replayed: bool = False

    @property
    def known(self) -> Job:
        """The job of a request that cannot have been sent again."""
        if self.item is None:
            raise ValueError("a stored reply has no job")
        return self.item


def committed(ctx: RequestContext, plan: Plan[Job], once: Once | None) -> Stepped[Job]:
    """Write what a step changes. Raises what ``store.commit.commit`` raises."""
    done = commit(None, plan, slot=Slot(ctx, once) if once else None)
    if isinstance(done, Committed):
        return Stepped(done.result, done.reply)
    return Stepped(None, done.reply, replayed=True)
