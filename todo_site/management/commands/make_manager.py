"""``manage.py make_manager E-MAIL``: give somebody the role managers, or take it back with ``--remove``."""

from identity.users import MANAGERS
from todo_site.management.roles import RoleCommand


class Command(RoleCommand):
    """Needed for the first manager only: admins give roles to others in the browser."""

    help = "Give the account with an e-mail address the role managers, or take it back."
    role = MANAGERS
