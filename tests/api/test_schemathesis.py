"""schemathesis: all checks, all phases, as every kind of caller"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.slices import WHOLE
from tests.web.site import serving

# A longer run: FUZZ_SECONDS=600 FUZZ_EXAMPLES=200 .venv/bin/python -m pytest -s tests/api/test_schemathesis.py
SECONDS = os.environ.get("FUZZ_SECONDS", "12" if WHOLE else "6")
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "4" if WHOLE else "2")
HERE = Path(__file__).parent / "fuzzing"
ROOT = HERE.parent.parent.parent


@pytest.fixture
def document(client, tmp_path):
    """The file with the API's document: schemathesis does not wait long for one from a busy server."""
    path = tmp_path / "openapi.json"
    path.write_bytes(client.get("/api/openapi.json").content)
    return path


def fuzz(document, address, phases, *arguments):
    """Run phases of schemathesis, with all checks, against ``address``; return what it says, and its exit code."""
    command = [
        *(Path(sys.executable).with_name("st"), "--config-file", HERE / "schemathesis.toml", "run"),
        *(document, "--url", address, "--phases", phases, "--max-examples", EXAMPLES),
        *("--suppress-health-check", "all", "--no-color"),
        *arguments,
    ]
    environment = os.environ | {"SCHEMATHESIS_HOOKS": "tests.api.fuzzing.hooks", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=HERE, env=environment, capture_output=True, text=True)
    print(said := done.stdout + done.stderr)
    return said, done.returncode


@pytest.fixture(params=["manager", "person", "viewer", "stranger"])
def headers(request, alice, charlie, make_account, token_for):
    """The credentials of each kind of caller. For a manager no operation is out of bounds."""
    if request.param == "stranger":
        return []
    people = {"manager": charlie, "person": alice}
    who = people.get(request.param) or make_account("Vera", ("viewers",))
    return ["-H", f"Authorization: Bearer {token_for(who)}"]


@pytest.mark.sliced
def test_generated_requests_find_no_defect(document, headers):
    with serving() as address:
        said, code = fuzz(document, address, "examples,coverage,fuzzing", "--max-time", SECONDS, *headers)
        assert code == 0, said
        # These by number, not by time: a slow machine spends the time on the phases before them.
        said, code = fuzz(document, address, "fuzzing,stateful", *headers)
        assert code == 0, said
    assert "✅ Fuzzing" in said, said
    assert "✅ Stateful" in said, said
