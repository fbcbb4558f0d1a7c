"""schemathesis: all checks, all phases, as somebody signed in and as nobody"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.web.site import serving

# A longer run: FUZZ_SECONDS=600 FUZZ_EXAMPLES=200 .venv/bin/python -m pytest -s tests/api/test_schemathesis.py
SECONDS, EXAMPLES = int(os.environ.get("FUZZ_SECONDS", "20")), int(os.environ.get("FUZZ_EXAMPLES", "4"))
HERE = Path(__file__).parent / "fuzzing"
ROOT = HERE.parent.parent.parent


def fuzz(address, *arguments, seconds, examples):
    """Run schemathesis, with all of its checks, against ``address``; return what it says, and its exit code."""
    command = [
        *(Path(sys.executable).with_name("st"), "--config-file", HERE / "schemathesis.toml", "run"),
        *(f"{address}/api/openapi.json", "--phases", "examples,coverage,fuzzing,stateful"),
        *("--max-time", str(seconds), "--max-examples", str(examples)),
        *("--suppress-health-check", "all", "--no-color", *arguments),
    ]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "tests.api.fuzzing.hooks", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True)
    return done.stdout + done.stderr, done.returncode


@pytest.mark.slow
def test_generated_requests_of_a_manager_find_no_defect(charlie, token_for):
    """As a manager, for whom no operation is out of bounds."""
    with serving() as address:
        said, code = fuzz(
            address, "-H", f"Authorization: Bearer {token_for(charlie)}", seconds=SECONDS, examples=EXAMPLES
        )
    print(said)
    assert code == 0, said


@pytest.mark.slow
def test_an_outsider():
    with serving() as address:
        said, code = fuzz(address, seconds=SECONDS // 2, examples=EXAMPLES // 2)
    print(said)
    assert code == 0, said
