"""Tasks and the trash in the admin."""
