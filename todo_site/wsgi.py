"""The WSGI application, which gunicorn runs locally and Zappa in the web function."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "todo_site.settings")

application = get_wsgi_application()
