"""What is uploaded with the stacks: the lake's source, the Glue script, the libraries of the embedded engine."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import aws_cdk as cdk
from constructs import Construct

from infra.package import STAMP, lake_lock_digest, layer_folder
from infra.settings import ROOT, Settings, SettingsError

SOURCE_SUFFIXES = {".py", ".sql"}
GLUE_SCRIPT = ROOT / "etl" / "glue" / "lake_job.py"
MISSING_SCRIPT = 'raise SystemExit("this deployment was made without etl/glue/lake_job.py")\n'


class PackageError(SettingsError):
    """A package that the deployment requires is missing or out of date."""


def lake_source(scope: Construct) -> Path:
    """Return a folder with everything our Lambda functions and Glue jobs import: `etl` and the handlers beside it.

    The folder is temporary: CDK copies it while it synthesises. `scope` is where a missing piece is reported.
    """
    folder = Path(tempfile.mkdtemp(prefix="todo-lake-source-"))
    for path in sorted((ROOT / "etl").rglob("*")):
        if path.is_file() and path.suffix in SOURCE_SUFFIXES:
            _copy(path, folder / path.relative_to(ROOT))
    for path in sorted((ROOT / "infra" / "handlers").glob("[!_]*.py")):
        _copy(path, folder / path.name)
    if not (folder / "etl" / "jobs" / "metrics.py").exists():
        cdk.Annotations.of(scope).add_warning_v2("todo:metrics", "etl/jobs/metrics.py does not exist yet")
    return folder


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def glue_script(scope: Construct, settings: Settings) -> Path:
    """Return the script of the Glue jobs, or one that fails with a clear message where there is none."""
    if GLUE_SCRIPT.exists():
        return GLUE_SCRIPT
    if settings.require_packages and settings.engine == "glue":
        raise PackageError(f"{GLUE_SCRIPT.relative_to(ROOT)} does not exist")
    cdk.Annotations.of(scope).add_warning_v2("todo:glue-script", "etl/glue/lake_job.py does not exist yet")
    placeholder = Path(tempfile.mkdtemp(prefix="todo-glue-")) / "run.py"
    placeholder.write_text(MISSING_SCRIPT)
    return placeholder


def lake_layer(scope: Construct, settings: Settings) -> Path:
    """Return the folder of the layer with the embedded engine's libraries, as `infra.package` builds it.

    Raises
    ------
    PackageError
        When `settings.require_packages` and the layer is missing or was built from another lock file.
    """
    folder = layer_folder(settings.build, settings.architecture)
    if (folder / STAMP).exists() and (folder / STAMP).read_text() == lake_lock_digest():
        return folder
    problem = (
        f"{folder} is missing or out of date; build it with: python -m infra.package {settings.architecture}"
    )
    if settings.require_packages:
        raise PackageError(problem)
    cdk.Annotations.of(scope).add_warning_v2("todo:lake-layer", problem)
    placeholder = Path(tempfile.mkdtemp(prefix="todo-layer-"))
    (placeholder / "README").write_text("A placeholder: synthesised without the packaged libraries.\n")
    return placeholder
