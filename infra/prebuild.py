"""Zappa's prebuild script: compiles everything that goes into the package, so that a cold start compiles nothing.

Zappa gives every file of the zip the same time, so bytecode that is checked against its source's time would be thrown
away at every start; this bytecode is never checked. Runs in the build tree only: it would poison a working copy, whose
sources change.
"""

from __future__ import annotations

import compileall
import os
import py_compile
import sys
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
    packages = Path(os.environ["VIRTUAL_ENV"]) / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for folder in (Path.cwd(), packages):
        compileall.compile_dir(
            folder, quiet=2, force=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
        )
