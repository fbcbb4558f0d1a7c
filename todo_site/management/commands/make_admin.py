"""``manage.py make_admin E-MAIL``: give somebody the role admins, or take it back with ``--remove``."""

from identity.users import ADMINS
from todo_site.management.roles import RoleCommand


class Command(RoleCommand):
    """Needed for the first admin only: admins give roles to others in the browser."""

    help = "Give the account with an e-mail address the role admins, or take it back."
    role = ADMINS
