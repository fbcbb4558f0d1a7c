"""Builds what Zappa uploads: `python -m infra.web_package [arm64|x86_64]`.

`build/web-<architecture>/app` becomes the current folder of Zappa and `build/web-<architecture>/env` its virtual
environment: Zappa packs what it finds in both. The libraries are those of `requirements/web.txt`, for Lambda's Python
and processor whatever this machine's are, and the few modules that Zappa's own handler imports. What no request runs
is taken out here, not by Zappa's exclusions, so that size and speed can be measured without Zappa.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

from infra.package import PYTHON, install
from infra.prebuild import MARKER, compile_folders
from infra.settings import ARCHITECTURES, ROOT, Settings

PRODUCT = (
    "todo_site",
    "tasks",
    "insights",
    "identity",
    "dynamo_admin",
    "web",
    "store",
    "etl",
    "templates",
    "locale",
)
WEB_LOCK = ROOT / "requirements" / "web.txt"
INFRA_LOCK = ROOT / "requirements" / "infra.txt"
# Beside the product's libraries: Zappa's handler, and what that imports.
HANDLER_PACKAGES = ("zappa", "werkzeug", "markupsafe", "durationpy")
HANDLER_MODULES = ("__init__", "asgi", "middleware", "utilities", "wsgi")
# botocore describes 400 services in 30 MB; these are called.
SERVICES = (
    *("athena", "cloudwatch", "cognito-idp", "dynamodb", "dynamodbstreams", "firehose", "glue", "s3", "sns"),
    *("sqs", "stepfunctions", "sts"),
)
# Never imported by a request: a server, a C interface and its parser, DNS for addresses that we do not look up.
UNUSED_PACKAGES = (
    *("gunicorn", "cffi", "pycparser", "dns", "bin", "pip", "boto3/data", "boto3/examples", "werkzeug/debug"),
    # File systems over S3 for pandas, of which pyathena has its own; checks of addresses by pydantic; command lines.
    *("fsspec", "pyathena/filesystem", "email_validator", "dateparser_cli", "dateparser_scripts"),
)
# Served from staticfiles, for other databases, for other clients of Athena, or for applications we do not install.
UNUSED_FOLDERS = (
    "django/contrib/*/static",
    "ninja/static/ninja/redoc*",
    *(
        f"django/contrib/{name}"
        for name in ("admindocs", "flatpages", "gis", "postgres", "redirects", "sitemaps")
    ),
    *(f"django/db/backends/{name}" for name in ("mysql", "oracle", "postgresql")),
    *(f"pyathena/{name}" for name in ("aio", "arrow", "pandas", "polars", "s3fs", "spark", "sqlalchemy")),
    "pydantic/v1",
    "django_htmx/static",
    "botocore/data/*/*/examples-1.json*",
    "*.dist-info/RECORD",
)
UNUSED_FILES = ("*.pyi", "*.po", "*.c", "*.h", "*.map")
KEPT_LOCALES = ("en", "de", "__pycache__")  # those of LANGUAGES
# Imports all that any request imports. What the lake's libraries are for runs elsewhere, commands included.
IMPORT_EVERYTHING = """
import importlib, pathlib, django
import pyathena.connection, pyathena.cursor
django.setup()
for package in ("todo_site", "tasks", "insights", "identity", "dynamo_admin", "web", "store"):
    for path in sorted(pathlib.Path(package).rglob("*.py")):
        if path.parent.name != "commands" and str(path) not in ("todo_site/settings_lint.py"):
            importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
"""
# `collectstatic` needs settings, none of which reach the files.
COLLECT_ENVIRONMENT = {
    "ENVIRONMENT": "dev",
    "APP_URL": "https://build.invalid",
    "SECRET_KEY": "only-for-collectstatic",
    "AWS_DEFAULT_REGION": "us-east-1",
    **dict.fromkeys(
        ("TABLE_NAME", "USER_POOL_ID", "CLIENT_ID", "GOLD_BUCKET", "GLUE_DATABASE", "ATHENA_WORKGROUP"),
        "unset",
    ),
}


class WebBuild:
    """One build tree.

    Parameters
    ----------
    build
        Folder of all builds.
    architecture
        `arm64` or `x86_64`.
    """

    def __init__(self, build: Path, architecture: str) -> None:
        self.architecture = architecture
        self.folder = build / f"web-{architecture}"
        self.app = self.folder / "app"
        self.environment = self.folder / "env"
        self.packages = self.environment / "lib" / f"python{PYTHON}" / "site-packages"

    def make(self, collector: Path) -> WebBuild:
        """Build everything anew; return self.

        Parameters
        ----------
        collector
            A Python with the product's libraries and Babel, which runs `collectstatic` and compiles translations.

        Raises
        ------
        subprocess.CalledProcessError
            When a library cannot be installed, or translations or static files cannot be made; the output says why.
        """
        shutil.rmtree(self.app, ignore_errors=True)
        shutil.rmtree(self.environment, ignore_errors=True)
        self._libraries()
        self._product()
        self._translations(collector)
        self._static(collector)
        return self

    def _libraries(self) -> None:
        install(WEB_LOCK, self.packages, self.architecture)
        install(self._handler_lock(), self.packages, self.architecture)
        prune(self.packages)

    def _handler_lock(self) -> Path:
        """The part of the deployment's lock file about Zappa's handler, with its hashes."""
        entries = re.split(r"\n(?=\S)", INFRA_LOCK.read_text())
        wanted = [entry for entry in entries if re.match(r"[\w.-]+", entry)[0].lower() in HANDLER_PACKAGES]
        lock = self.folder / "handler.txt"
        lock.write_text("\n".join(wanted) + "\n")
        return lock

    def _product(self) -> None:
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "*.md", "*.mo")
        for name in (name for name in PRODUCT if (ROOT / name).exists()):
            shutil.copytree(ROOT / name, self.app / name, ignore=ignored)
        (self.app / "infra").mkdir()
        for name in (
            "__init__.py",
            "prebuild.py",
        ):  # Zappa imports its prebuild script from the current folder
            shutil.copyfile(ROOT / "infra" / name, self.app / "infra" / name)
        (self.app / MARKER).touch()

    def _translations(self, collector: Path) -> None:
        babel = [str(collector), "-m", "babel.messages.frontend"]
        folder = self.app / "locale"
        subprocess.run(
            [*babel, "--quiet", "compile", "--domain", "django", "--directory", str(folder)], check=True
        )

    def _static(self, collector: Path) -> None:
        target = self.app / "staticfiles"
        subprocess.run(
            [str(collector), "manage.py", "collectstatic", "--no-input", "--verbosity=0"],
            cwd=ROOT,
            env={**os.environ, **COLLECT_ENVIRONMENT, "STATIC_ROOT": str(target)},
            check=True,
        )
        keep_hashed(target)

    def try_imports(self) -> None:
        """Import all that any request does from this tree, which must be for this processor; says what lacks.

        Raises
        ------
        subprocess.CalledProcessError
            When something that was pruned is needed.
        """
        path = os.pathsep.join(map(str, (self.app, self.packages)))
        settings = {"DJANGO_SETTINGS_MODULE": "todo_site.settings", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-S", "-c", IMPORT_EVERYTHING]
        environment = {**os.environ, **COLLECT_ENVIRONMENT, **settings, "PYTHONPATH": path}
        subprocess.run(command, cwd=self.app, env=environment, check=True)

    def archive(self) -> Path:
        """The zip that Zappa made of this tree last, and leaves in it; no zip goes into the next one."""
        return max(self.app.glob("*.zip"), key=lambda path: path.stat().st_mtime)

    def compile(self) -> None:
        """Compile the tree as Zappa's prebuild script would; for measuring without Zappa."""
        compile_folders(self.app, self.packages)


def prune(packages: Path) -> None:
    """Remove from a site-packages folder what no request of the web function imports or reads."""
    for pattern in (*UNUSED_PACKAGES, *UNUSED_FOLDERS):
        remove(packages.glob(pattern))
    for pattern in UNUSED_FILES:
        remove(packages.rglob(pattern))
    remove(path for name in ("tests", "__pycache__") for path in packages.rglob(name))
    remove(
        path
        for path in (packages / "botocore" / "data").iterdir()
        if path.is_dir() and path.name not in SERVICES
    )
    remove(
        path
        for locale in packages.glob("django/**/locale")
        for path in locale.iterdir()
        if path.is_dir() and path.name not in KEPT_LOCALES
    )
    remove(
        path
        for path in packages.glob("dateparser/data/date_translation_data/*.py")
        if path.stem not in (*KEPT_LOCALES, "__init__")
    )
    remove(path for path in packages.glob("zappa/*") if path.stem not in HANDLER_MODULES)


def keep_hashed(static: Path) -> None:
    """Remove the copies of static files under their plain names: pages link to the hashed ones only."""
    names = json.loads((static / "staticfiles.json").read_text())["paths"]
    for plain, hashed in names.items():
        if plain != hashed:
            remove(static / f"{plain}{suffix}" for suffix in ("", ".gz", ".br"))


def remove(paths: Iterable[Path]) -> None:
    """Remove files and folders; those already gone are fine."""
    for path in sorted(paths):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def size(*folders: Path, without: str = "") -> int:
    """Bytes of all files under `folders` whose path does not match the pattern `without`."""
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files if not fnmatch.fnmatch(str(path), without or "\0"))


def unpacked(archive: Path, without: str = "") -> int:
    """Bytes of all files in a zip whose name does not match the pattern `without`."""
    with zipfile.ZipFile(archive) as held:
        files = [each for each in held.infolist() if not fnmatch.fnmatch(each.filename, without or "\0")]
    return sum(each.file_size for each in files)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m infra.web_package", description=__doc__)
    parser.add_argument(
        "architecture", nargs="?", default=Settings("dev").architecture, choices=ARCHITECTURES
    )
    parser.add_argument("--collector", type=Path, default=ROOT / ".venv" / "bin" / "python")
    options = parser.parse_args()
    tree = WebBuild(Settings("dev").build, options.architecture).make(options.collector)
    bare = size(tree.app, tree.packages, without="*plotly*")
    print(f"{tree.folder}: {bare / 2**20:.1f} MiB without Plotly.js, before bytecode")


if __name__ == "__main__":
    sys.exit(main())
