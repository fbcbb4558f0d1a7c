"""Settings for what needs no deployment, with placeholders for the variables that one sets.

That is the type checker, and the commands of ``todo_site.management.utility.STANDALONE``.
"""

import os

MANDATORY = (
    "ENVIRONMENT",
    "APP_URL",
    "SECRET_KEY",
    "AWS_DEFAULT_REGION",
    "TABLE_NAME",
    "USER_POOL_ID",
    "CLIENT_ID",
    "GOLD_BUCKET",
    "GLUE_DATABASE",
    "ATHENA_WORKGROUP",
)
for _name in MANDATORY:
    os.environ.setdefault(_name, "lint")

from todo_site.settings import *  # noqa: E402, F403
