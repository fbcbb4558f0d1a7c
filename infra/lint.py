"""Synthesises both stages, which runs cdk-nag, and checks the templates with cfn-lint: `python -m infra.lint`."""

import subprocess
import sys
import tempfile
from pathlib import Path

# Both stages, with both engines, and every optional setting once.
STAGES = (
    {"stage": "dev"},
    {"stage": "prod", "engine": "glue", "alert_email": "pager@example.com", "suffix": "-eu"},
)
# CDK writes dependencies that references already imply; they are harmless.
HARMLESS = ("W3005",)


def check(*templates: Path) -> subprocess.CompletedProcess[str]:
    """Run cfn-lint on templates; its output says what is wrong where."""
    command = [Path(sys.executable).with_name("cfn-lint"), "--ignore-checks", *HARMLESS, "--", *templates]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


def main() -> int:
    """Synthesise and check; return 0 if there are no findings."""
    from infra.app import build

    with tempfile.TemporaryDirectory(prefix="todo-lint-") as folder:
        for context in STAGES:
            build(Path(folder) / context["stage"], context).synth()
        done = check(*sorted(Path(folder).glob("*/*.template.json")))
    print(done.stdout + done.stderr, end="")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
