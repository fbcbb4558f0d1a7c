"""Zappa's prebuild script: compiles all modules of the package, so that a cold start compiles none.

Zappa gives every file of the zip the same time, so Python would discard bytecode that it validates by its source's
time; this bytecode is never validated. That is why it may only be written to the build tree: in a working copy, edits
of the sources would have no effect.
"""

import compileall
import os
import py_compile
from pathlib import Path

MARKER = ".build-tree"


class NotABuildTreeError(RuntimeError):
    """The current folder is not a build tree, so it must not get bytecode that ignores its source."""


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
    """Write unchecked bytecode for every module under `folders`; modules with errors fail when imported.

    The bytecode names its source by its path in the folder, so that every checkout makes the same.
    """
    for folder in folders:
        compileall.compile_dir(
            folder,
            quiet=2,
            force=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            stripdir=str(folder),
        )
