"""Settings for the type checker, with placeholders for the variables that a deployment sets."""

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
