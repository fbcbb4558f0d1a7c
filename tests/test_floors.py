"""The contract on imports covers every package on disk; import-linter's ``exhaustive`` works inside a package only."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
LINTER = CONFIGURATION["importlinter"]
LAYERS = next(contract["layers"] for contract in LINTER["contracts"] if contract["type"] == "layers")
NAMED = [name.strip() for layer in LAYERS for name in layer.split("|")]
NOT_PRODUCT = {"tests"}


def packages(root):
    """Return the folders of ``root`` that hold Python files, without hidden ones and tests."""
    return {
        folder.name
        for folder in root.iterdir()
        if folder.name.isidentifier() and folder.name not in NOT_PRODUCT and any(folder.glob("*.py"))
    }


def test_every_package_has_one_floor():
    assert sorted(NAMED) == sorted(packages(ROOT))


def test_import_linter_and_ruff_know_every_package():
    assert set(LINTER["root_packages"]) == packages(ROOT)
    assert set(CONFIGURATION["ruff"]["lint"]["isort"]["known-first-party"]) == packages(ROOT) | NOT_PRODUCT


def test_mypy_checks_every_package():
    """``make lint`` checks infra in a run of its own, with the packages of its environment."""
    assert set(CONFIGURATION["mypy"]["packages"]) | {"infra"} == packages(ROOT)
    assert " -p infra\n" in (ROOT / "Makefile").read_text()


def test_a_new_package_is_noticed(tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "monthly.py").touch()
    (tmp_path / "templates").mkdir()
    assert packages(tmp_path) == {"reports"}


@pytest.mark.parametrize("package", NAMED)
def test_a_readme_names_everything_in_its_package(package):
    text = (ROOT / package / "README.md").read_text()
    missing = [name for name in entries(ROOT / package) if f"`{name}" not in text]
    assert not missing


@pytest.mark.parametrize("package", NAMED)
def test_a_readme_names_no_module_that_is_gone(package):
    named = re.findall(r"`(\w+\.py)`", (ROOT / package / "README.md").read_text())
    assert not set(named) - {path.name for path in (ROOT / package).rglob("*.py")}


def entries(package):
    """Return the names of the modules of ``package``, and of the folders with a slash."""
    for path in sorted(package.iterdir()):
        if path.suffix == ".py" and path.name != "__init__.py":
            yield path.name
        elif path.is_dir() and path.name.isidentifier() and path.name not in {"__pycache__", "node_modules"}:
            yield f"{path.name}/"
