"""Builds the web function's package for Zappa: `python -m infra.web_package [arm64|x86_64]`.

Zappa packs its current folder, `build/web-<architecture>/app`, and its virtual environment,
`build/web-<architecture>/env`. The libraries are those of `requirements/web.txt`, for Lambda's Python and processor,
whatever this machine has, and the few modules that Zappa's own handler imports. Files that no request uses are removed
here, not by Zappa's exclusions, so that size and speed can be measured without Zappa.
"""

import argparse
import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from infra.lake_layer import install, remove
from infra.prebuild import MARKER, compile_folders
from infra.settings import ARCHITECTURES, PYTHON, ROOT, Settings

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
# Modules of a checkout, which no request and no command of the deployed function uses.
CHECKOUT_ONLY = ("costs", "costs.py", "settings_lint.py")
WEB_LOCK = ROOT / "requirements" / "web.txt"
INFRA_LOCK = ROOT / "requirements" / "infra.txt"
# In addition to the product's libraries: Zappa's handler and its imports.
HANDLER_PACKAGES = ("zappa", "werkzeug", "markupsafe", "durationpy")
HANDLER_MODULES = ("__init__", "asgi", "middleware", "utilities", "wsgi")
# botocore describes 400 services in 30 MB; the function calls these.
SERVICES = (
    *("athena", "cloudwatch", "cognito-idp", "dynamodb", "dynamodbstreams", "firehose", "glue", "s3"),
    *("secretsmanager", "sesv2", "sns", "sqs", "stepfunctions", "sts"),
)
# Not imported by any request: a server, a C interface and its parser, DNS look-ups of e-mail domains.
UNUSED_PACKAGES = (
    *("gunicorn", "cffi", "pycparser", "dns", "bin", "pip", "boto3/data", "boto3/examples", "werkzeug/debug"),
    # File systems over S3 for pandas (pyathena has its own); pydantic's checks of e-mail addresses; command lines.
    *("fsspec", "pyathena/filesystem", "email_validator"),
)
# Served from staticfiles, or for other databases, other clients of Athena, or Django apps that are not installed.
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
BUILD_RECORD = "package_info.json"  # Zappa's note of when and by whom; nobody reads it
KEPT_LOCALES = ("en", "de", "__pycache__")  # those of LANGUAGES
# Imports all modules that requests use. Commands and the erasure need the lake's libraries, so they run elsewhere.
IMPORT_EVERYTHING = """
import importlib, pathlib, django
import pyathena.connection, pyathena.cursor
django.setup()
for package in ("todo_site", "tasks", "insights", "identity", "dynamo_admin", "web", "store"):
    for path in sorted(pathlib.Path(package).rglob("*.py")):
        if path.parent.name != "commands":
            importlib.import_module(".".join(path.with_suffix("").parts).removesuffix(".__init__"))
"""
# Babel's own command puts the present time into a compiled catalogue, so that no two packages would be the same.
COMPILE_CATALOGUES = """
import datetime, pathlib, sys
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
for path in pathlib.Path(sys.argv[1]).rglob("*.po"):
    with path.open("rb") as source, path.with_suffix(".mo").open("wb") as target:
        catalogue = read_po(source, locale=path.parts[-3])
        catalogue.creation_date = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
        write_mo(target, catalogue)
"""
# `collectstatic` needs settings, but they do not affect its output.
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
    """The build tree for one architecture (`arm64` or `x86_64`), below the folder `build`."""

    def __init__(self, build: Path, architecture: str) -> None:
        self.architecture = architecture
        self.folder = build / f"web-{architecture}"
        self.app = self.folder / "app"
        self.static = self.folder / "static"  # for CloudFront's bucket
        self.environment = self.folder / "env"
        self.packages = self.environment / "lib" / f"python{PYTHON}" / "site-packages"

    def make(self, collector: Path) -> "WebBuild":
        """Build everything from scratch; return self.

        Parameters
        ----------
        collector
            A Python with the product's libraries and Babel, which runs `collectstatic` and compiles translations.

        Raises
        ------
        subprocess.CalledProcessError
            If a library cannot be installed, or translations or static files cannot be made; the output says why.
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
        """Write the entries of the deployment's lock file that Zappa's handler needs; return the file."""
        entries = re.split(r"\n(?=\S)", INFRA_LOCK.read_text())
        wanted = [entry for entry in entries if entry.partition("==")[0].lower() in HANDLER_PACKAGES]
        lock = self.folder / "handler.txt"
        lock.write_text("\n".join(wanted) + "\n")
        return lock

    def _product(self) -> None:
        ignored = shutil.ignore_patterns("__pycache__", "*.pyc", "*.md", "*.mo", *CHECKOUT_ONLY)
        for name in PRODUCT:
            shutil.copytree(ROOT / name, self.app / name, ignore=ignored)
        (self.app / "infra").mkdir()
        for name in ("__init__.py", "prebuild.py"):  # Zappa's prebuild script has to be in the current folder
            shutil.copyfile(ROOT / "infra" / name, self.app / "infra" / name)
        (self.app / MARKER).touch()

    def _translations(self, collector: Path) -> None:
        subprocess.run([str(collector), "-c", COMPILE_CATALOGUES, str(self.app / "locale")], check=True)

    def _static(self, collector: Path) -> None:
        """Collect the static files beside the package, which gets the manifest with their names only."""
        shutil.rmtree(self.static, ignore_errors=True)
        subprocess.run(
            [str(collector), "manage.py", "collectstatic", "--no-input", "--verbosity=0"],
            cwd=ROOT,
            env={**os.environ, **COLLECT_ENVIRONMENT, "STATIC_ROOT": str(self.static)},
            check=True,
        )
        keep_hashed(self.static)
        (self.app / "staticfiles").mkdir()
        (self.static / "staticfiles.json").rename(self.app / "staticfiles" / "staticfiles.json")

    def try_imports(self) -> None:
        """Import all modules that requests use from this tree, which must be for this processor.

        Raises
        ------
        subprocess.CalledProcessError
            If a pruned module is needed; the output names it.
        """
        path = os.pathsep.join(map(str, (self.app, self.packages)))
        settings = {"DJANGO_SETTINGS_MODULE": "todo_site.settings", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-S", "-c", IMPORT_EVERYTHING]
        environment = {**os.environ, **COLLECT_ENVIRONMENT, **settings, "PYTHONPATH": path}
        subprocess.run(command, cwd=self.app, env=environment, check=True)

    def compile(self) -> None:
        """Compile the tree as Zappa's prebuild script does, for measurements without Zappa."""
        compile_folders(self.app, self.packages)


def prune(packages: Path) -> None:
    """Remove files from a site-packages folder that no request of the web function uses."""
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
    remove(path for path in packages.glob("zappa/*") if path.stem not in HANDLER_MODULES)


def keep_hashed(static: Path) -> None:
    """Remove the copies of static files under their plain names: pages link to the hashed names only."""
    names = json.loads((static / "staticfiles.json").read_text())["paths"]
    for plain, hashed in names.items():
        if plain != hashed:
            remove(static / f"{plain}{suffix}" for suffix in ("", ".gz", ".br"))


def normalise(archive: Path) -> None:
    """Write a zip again, for its owner only, so that the same files always make the same bytes."""
    unfinished = archive.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with zipfile.ZipFile(archive) as made, zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as written:
        for name in sorted({*made.namelist()} - {BUILD_RECORD}):
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o755 << 16
            written.writestr(entry, made.read(name), zipfile.ZIP_DEFLATED)
    unfinished.chmod(0o600)
    unfinished.replace(archive)


def size(*folders: Path, without: str = "") -> int:
    """Return the bytes of all files under `folders`, except those whose path matches the pattern `without`."""
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files if not fnmatch.fnmatch(str(path), without))


def unpacked(archive: Path, without: str = "") -> int:
    """Return the unpacked bytes of all files in a zip, except those whose name matches the pattern `without`."""
    with zipfile.ZipFile(archive) as package:
        files = package.infolist()
    return sum(each.file_size for each in files if not fnmatch.fnmatch(each.filename, without))


def main() -> None:
    """Run the command line."""
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
    main()
