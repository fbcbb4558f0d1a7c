"""Assets that CDK uploads with the stacks: the lake's source, and the libraries of the embedded engine."""

import re
import shutil
import tempfile
from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from infra.lake_layer import is_current, layer_folder
from infra.settings import ROOT, Settings, SettingsError

PINS = ROOT / "requirements" / "spark.txt"
OF_GLUE = {"pyspark", "py4j", "setuptools"}  # pinned for tests; Glue brings its own
SOURCE_SUFFIXES = {".py", ".sql"}
GLUE_SCRIPT = ROOT / "etl" / "glue" / "lake_job.py"


class PackageError(SettingsError):
    """A package that the deployment needs is missing or out of date."""


def lake_source() -> Path:
    """Return a folder with all that our Lambda functions and Glue jobs import: `etl`, and the handlers beside it.

    The folder is temporary: CDK copies it during synthesis.
    """
    folder = Path(tempfile.mkdtemp(prefix="todo-lake-source-"))
    for path in sorted((ROOT / "etl").rglob("*")):
        if path.is_file() and path.suffix in SOURCE_SUFFIXES:
            _copy(path, folder / path.relative_to(ROOT))
    for path in sorted((ROOT / "infra" / "handlers").glob("[!_]*.py")):
        _copy(path, folder / path.name)
    return folder


def glue_requirements() -> Path:
    """Return a requirements file, in a temporary folder, with what the Glue jobs import besides Spark.

    The versions and hashes are those that the parity test runs with. Pip refuses anything else.
    """
    pins = re.finditer(r"^([\w-]+)==(?:.*\\\n)*.*\n", PINS.read_text(), re.MULTILINE)
    wanted = [pin[0] for pin in pins if pin[1] not in OF_GLUE]
    path = Path(tempfile.mkdtemp(prefix="todo-glue-")) / "requirements.txt"
    path.write_text("".join(wanted))
    return path


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def lake_layer(scope: Construct, settings: Settings) -> Path:
    """Return the folder of the embedded engine's libraries that `infra.lake_layer` built, or of a placeholder.

    Raises
    ------
    PackageError
        If `settings.require_packages` and the layer is missing or out of date.
    """
    folder = layer_folder(settings.build, settings.architecture)
    if is_current(folder):
        return folder
    command = f"python -m infra.lake_layer {settings.architecture}"
    problem = f"{folder} is missing or out of date; build it with: {command}"
    if settings.require_packages:
        raise PackageError(problem)
    cdk.Annotations.of(scope).add_warning_v2("todo:lake-layer", problem)
    placeholder = Path(tempfile.mkdtemp(prefix="todo-layer-"))
    (placeholder / "README").write_text("A placeholder: synthesised without the packaged libraries.\n")
    return placeholder
