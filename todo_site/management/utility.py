"""What ``manage.py`` offers, and how it ends: no traceback for what its user can put right.

Status 0: done. 1: refused or failed, with a line on standard error that says why. 2: it was called wrongly, or its
environment is incomplete. ``--traceback`` shows where an error comes from.
"""

import os
import sys
from collections.abc import Sequence

from django.core.exceptions import ImproperlyConfigured
from django.core.management import ManagementUtility, get_commands
from django.core.management.base import BaseCommand, CommandError

from etl.log import leave_standard_output_to_results

FAILED, CALLED_WRONGLY, INTERRUPTED = 1, 2, 130
# Of Django's commands, those that work here. The others are for a relational database, its users and its tables.
DJANGOS = {"check", "collectstatic", "diffsettings", "findstatic", "runserver", "shell"}
INSTEAD = {
    "createsuperuser": "Sign up in the browser, then run: manage.py make_admin E-MAIL",
    "changepassword": "Passwords are in Cognito. Use “Forgotten password?” on the sign-in page.",
    "clearsessions": "DynamoDB's time to live removes expired sessions by itself.",
    "makemessages": "Use: make messages",
    "compilemessages": "Use: make messages",
    "test": "Use: make test",
}
STANDALONE = {"understand"}  # reads and writes text only, and so needs no environment
NO_DATABASE = "All data are in DynamoDB, so there are no tables to migrate, dump or flush."


class Utility(ManagementUtility):
    """Django's command line with the commands that work here only."""

    def main_help_text(self, commands_only: bool = False) -> str:
        """Return the help: what the product offers, and what Django does."""
        offered = sorted(name for name in get_commands() if is_offered(name))
        if commands_only:
            return "\n".join(offered)
        own = [name for name in offered if name not in DJANGOS]
        lines = [f"Type '{self.prog_name} help <command>' for one of these:", ""]
        lines += [f"    {name}" for name in own]
        lines += ["", "Of Django:", *(f"    {name}" for name in offered if name in DJANGOS)]
        if not own and self.settings_exception is not None:
            lines += ["", f"The commands of the product are not listed: {self.settings_exception}"]
        return "\n".join(lines)

    def fetch_command(self, subcommand: str) -> BaseCommand:
        """Return the command, or end with the reason why there is none."""
        if subcommand in get_commands() and not is_offered(subcommand):
            print(f"{subcommand} is not of use here. {INSTEAD.get(subcommand, NO_DATABASE)}", file=sys.stderr)
            sys.exit(CALLED_WRONGLY)
        return super().fetch_command(subcommand)


def is_offered(name: str) -> bool:
    """Whether a command of Django or of the product can be used here."""
    source = get_commands()[name]
    app = source if isinstance(source, str) else source.__module__
    return name in DJANGOS or not app.startswith("django.")


def execute(arguments: Sequence[str]) -> int:
    """Run the command line; return its status."""
    if STANDALONE.intersection(arguments[1:2]) and "ENVIRONMENT" not in os.environ:
        os.environ["DJANGO_SETTINGS_MODULE"] = "todo_site.settings_lint"
    leave_standard_output_to_results()
    try:
        Utility(list(arguments)).execute()
    except ImproperlyConfigured as error:
        return _said(error, CALLED_WRONGLY)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe, such as head, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:
        if "--traceback" in arguments or not _is_outside(error):
            raise
        return _said(f"{_who(error)}: {error}", FAILED)
    return 0


def _said(message: object, status: int) -> int:
    print(message, file=sys.stderr)
    return status


def _is_outside(error: Exception) -> bool:
    """Whether an error comes from AWS, the sign-in service or a rule of the product, and not from a mistake in it."""
    from botocore.exceptions import BotoCoreError, ClientError

    from store.errors import DomainError
    from web.athena import AthenaError

    return isinstance(error, BotoCoreError | ClientError | DomainError | AthenaError | CommandError)


def _who(error: Exception) -> str:
    return "AWS says" if type(error).__module__.startswith("botocore") else "Refused"
