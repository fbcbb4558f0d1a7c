"""What ``make_admin`` and ``make_manager`` share: the role of somebody who is named by an e-mail address."""

import uuid
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError

from identity import administration
from identity.errors import IdentityError
from store.audit import Trail
from store.errors import DomainError
from store.request_context import RequestContext
from todo_site.management.lake import operator


class RoleCommand(BaseCommand):
    """Gives or takes back ``role``, with the same entry in the audit trail as an admin's change in the browser."""

    role: ClassVar[str]
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("email", help="address of an account, which must exist")
        parser.add_argument("--remove", action="store_true", help=f"take the role {self.role} back")

    def handle(self, *, email: str, remove: bool, **_: Any) -> None:
        """Run it; CommandError says why nothing was changed."""
        try:
            person = administration.person_with_email(email)
            ctx = RequestContext(
                user_id=person.id,
                updated_by=operator(),
                request_id=f"role-{uuid.uuid4()}",
                now=datetime.now(UTC),
                trail=Trail(actor=operator(), action="change roles"),
            )
            if not administration.change_role(ctx, person, email, self.role, given=not remove):
                state = "does not have" if remove else "already has"
                raise CommandError(f"{email} {state} the role {self.role}.")
        except (DomainError, IdentityError) as error:
            raise CommandError(str(error)) from error
        done = "no longer has" if remove else "has"
        self.stdout.write(f"{email} {done} the role {self.role}; pages know within a minute.")
