"""A local AWS for the benchmarks that run the site, with Django's settings for it."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from localcloud.provision import provision
from localcloud.server import LocalAws
from tests.local_aws import PLACEHOLDERS, free_port


@contextmanager
def local_aws(**variables: str) -> Iterator[Path]:
    """Start a local AWS and set the environment variables of the site; yield a temporary folder.

    Parameters
    ----------
    variables
        Further environment variables.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "static").mkdir()
        server = LocalAws(folder / "aws", free_port())
        server.start()
        try:
            os.environ.update(PLACEHOLDERS | provision(server.endpoint_url, folder))
            os.environ.update(ENVIRONMENT="test", STATIC_ROOT=f"{folder}/static", **variables)
            os.environ["DJANGO_SETTINGS_MODULE"] = "todo_site.settings"
            yield folder
        finally:
            server.kill()
