"""Checks the templates of both stages with cfn-lint, and with cdk-nag while synthesising: `python -m infra.lint`."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

# What the two stages differ in, and each engine once.
STAGES = (
    {"stage": "dev"},
    {"stage": "prod", "engine": "glue", "alert_email": "pager@example.com", "suffix": "-eu"},
)
# CDK writes dependencies that references imply already; they do no harm.
HARMLESS = ("W3005",)


def check(*templates: Path) -> subprocess.CompletedProcess[str]:
    """Run cfn-lint on templates; what it prints says where a finding is and what it is about."""
    command = [Path(sys.executable).with_name("cfn-lint"), "--ignore-checks", *HARMLESS, "--", *templates]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


def main() -> int:
    """Synthesise and check; 0 when there is no finding."""
    from infra.app import build

    with tempfile.TemporaryDirectory(prefix="todo-lint-") as folder:
        for context in STAGES:
            build(Path(folder) / context["stage"], context).synth()
        done = check(*sorted(Path(folder).glob("*/*.template.json")))
    print(done.stdout + done.stderr, end="")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
