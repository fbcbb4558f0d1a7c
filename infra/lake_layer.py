"""Builds the Lambda layer of the embedded engine: `python -m infra.lake_layer [arm64|x86_64]`.

The layer `build/lake-layer-<architecture>` holds the libraries of `requirements/lake.txt` as Lambda unpacks them, for
Lambda's Python and processor, whatever this machine has. An up-to-date layer is left alone.
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from infra.settings import ARCHITECTURES, PYTHON, ROOT, Settings

LAKE_LOCK = ROOT / "requirements" / "lake.txt"
STAMP = "lock.sha256"
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
# Lambda's system is Amazon Linux 2023, with glibc 2.34.
PLATFORMS = ("manylinux_2_34", "manylinux_2_28", "manylinux_2_17", "manylinux2014")
# Lambda's runtime has these; they would double the size of the layer.
IN_RUNTIME = ("boto3", "botocore", "s3transfer", "jmespath", "dateutil", "python_dateutil", "urllib3", "six")
UNUSED = ("__pycache__", "tests", "bin")


def build_lake_layer(build: Path, architecture: str) -> Path:
    """Build the layer below the folder `build` for `arm64` or `x86_64`; return its folder.

    Raises
    ------
    subprocess.CalledProcessError
        When pip cannot install a library; its output says why.
    """
    folder = layer_folder(build, architecture)
    if is_current(folder):
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    libraries = folder / "python"
    install(LAKE_LOCK, libraries, architecture)
    prune(libraries)
    (folder / STAMP).write_text(lake_lock_digest())  # last, so that an interrupted build is repeated
    return folder


def layer_folder(build: Path, architecture: str) -> Path:
    """Return the folder of the layer for a Lambda architecture."""
    return build / f"lake-layer-{architecture}"


def is_current(folder: Path) -> bool:
    """Whether the layer in `folder` was built completely, from the present lock file."""
    return (folder / STAMP).exists() and (folder / STAMP).read_text() == lake_lock_digest()


def lake_lock_digest() -> str:
    """Return the SHA-256 of the lock file, which identifies the libraries of a layer."""
    return hashlib.sha256(LAKE_LOCK.read_bytes()).hexdigest()


def install(lock: Path, folder: Path, architecture: str) -> None:
    """Install a lock file's packages for Lambda into `folder`; each must match a recorded hash."""
    platforms = [f"--platform={name}_{MACHINES[architecture]}" for name in PLATFORMS]
    command = [sys.executable, "-I", "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    command += ["--require-hashes", "--no-deps", "--only-binary=:all:", f"--python-version={PYTHON}"]
    subprocess.run(
        [*command, "--implementation=cp", *platforms, f"--target={folder}", f"--requirement={lock}"],
        check=True,
    )


def prune(libraries: Path) -> None:
    """Remove libraries that the runtime has, and files that no function runs."""
    names = {path: path.name.partition("-")[0].removesuffix(".py") for path in libraries.iterdir()}
    remove(path for path, name in names.items() if name in IN_RUNTIME)
    remove(path for name in UNUSED for path in libraries.rglob(name))


def remove(paths: Iterable[Path]) -> None:
    """Remove files and folders, if they exist."""
    for path in sorted(paths):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


if __name__ == "__main__":
    wanted = sys.argv[1] if len(sys.argv) > 1 else Settings("dev").architecture
    if wanted not in ARCHITECTURES:
        sys.exit(f"usage: python -m infra.lake_layer [{'|'.join(ARCHITECTURES)}]")
    print(build_lake_layer(Settings("dev").build, wanted))
