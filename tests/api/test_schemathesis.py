"""schemathesis: all checks, all phases, as somebody signed in and as nobody"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.web.site import serving

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
def test_it_works(alice, token_for):
    with serving() as address:
        said, code = fuzz(address, "-H", f"Authorization: Bearer {token_for(alice)}", seconds=40, examples=5)
    assert code == 0, said


@pytest.mark.slow
def test_an_outsider():
    with serving() as address:
        said, code = fuzz(address, seconds=10, examples=2)
    assert code == 0, said
