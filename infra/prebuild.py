"""Zappa's prebuild script: compiles everything that goes into the package, so that a cold start compiles nothing.

Zappa gives every file of the zip the same time, so bytecode that is checked against its source's time would be thrown
away at every start; this bytecode is never checked. Runs in the build tree only: it would poison a working copy, whose
sources change.
"""

from __future__ import annotations

import compileall
import os
import py_compile
from pathlib import Path

MARKER = ".build-tree"


class NotABuildTreeError(RuntimeError):
    """The current folder is not one that may be filled with bytecode that ignores its source."""


def compile_bytecode() -> None:
    """Compile the current folder and the site-packages of VIRTUAL_ENV.

    Raises
    ------
    NotABuildTreeError
        When the current folder has no file `.build-tree`.
    """
    if not Path(MARKER).exists():
        raise NotABuildTreeError(f"{Path.cwd()} has no {MARKER}: refusing to put unchecked bytecode into it")
    compile_folders(Path.cwd(), Path(os.environ["VIRTUAL_ENV"]) / "lib")


def compile_folders(*folders: Path) -> None:
    """Write unchecked bytecode for every module under `folders`; what does not compile fails when it is imported."""
    for folder in folders:
        compileall.compile_dir(
            folder, quiet=2, force=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
