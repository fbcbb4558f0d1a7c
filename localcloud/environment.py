"""The environment variables of the local processes, and the file ``LOCAL_DIR/env`` with them for other clients."""

import os
import shlex
from collections.abc import Mapping

from localcloud.files import write_atomically
from localcloud.ports import LOOPBACK
from localcloud.provision import secret_key
from localcloud.settings import Settings

# These could lead boto3 away from the local AWS: profiles, real sessions, per-service endpoints, proxies.
FOREIGN_PREFIXES = ("AWS_", "PYTHON", "DJANGO_", "GUNICORN_")
KEPT_FOREIGN = frozenset({"AWS_DEFAULT_OUTPUT", "AWS_PAGER"})


def shell_without_aws(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables of the calling shell without those that could point to a real account."""
    kept = {
        name: value
        for name, value in environ.items()
        if name in KEPT_FOREIGN or not name.startswith(FOREIGN_PREFIXES)
    }
    direct = [kept[name] for name in ("NO_PROXY", "no_proxy") if kept.get(name)] + [LOOPBACK, "localhost"]
    return {
        **kept,
        "NO_PROXY": ",".join(direct),
        "no_proxy": ",".join(direct),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONUNBUFFERED": "1",
    }


def client_variables(settings: Settings, provisioned: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a client of this copy needs, the site's address first."""
    return {
        "APP_URL": settings.app_url,
        **provisioned,
        "SECRET_KEY": secret_key(settings.directory),
        "ENVIRONMENT": "local",
        "ALLOWED_HOSTS": f"{LOOPBACK},localhost",
        "STATIC_ROOT": str(settings.directory / "static"),
        "LOCAL_DIR": str(settings.directory),
    }


def write_env_file(settings: Settings, variables: Mapping[str, str]) -> None:
    """Write ``LOCAL_DIR/env``, readable by its owner only; ``. .local/env`` sets the variables in a shell."""
    lines = [
        "# Written by `make run`. In a shell:  . this-file",
        "unset AWS_PROFILE AWS_SESSION_TOKEN",
        *(f"export {name}={quoted(value)}" for name, value in variables.items()),
    ]
    write_atomically(settings.env_file, "\n".join(lines) + "\n")


def quoted(value: str) -> str:
    """Return ``value`` quoted for a shell, in single quotes even where none are needed."""
    return shlex.quote(value) if "'" in value else f"'{value}'"
