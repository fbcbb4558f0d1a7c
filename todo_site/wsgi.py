"""The WSGI application, which gunicorn runs locally and Zappa in the web function.

A process that Lambda starts for a snapshot (SnapStart) imports everything that requests use, because every copy of the
snapshot starts with what it holds. Any other process imports what its requests ask for.
"""

import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "todo_site.settings")

application = get_wsgi_application()

# The URLs import all views; the others are imported in functions.
EVERYTHING = (
    *("todo_site.urls", "todo_site.api_urls", "todo_site.operations.urls"),
    *("identity.sign_in", "identity.token_verification", "cryptography.fernet"),
    *("pyathena.connection", "pyathena.cursor", "icalendar"),
)
if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
    for name in EVERYTHING:
        import_module(name)
