"""The OpenAPI document under spectral, with the rules of OpenAPI and of OWASP"""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
RULES = 'extends: ["spectral:oas", "@stoplight/spectral-owasp-ruleset"]\n'


@pytest.fixture
def lint(tmp_path):
    """A function that returns what spectral finds in a document."""

    def run(document):
        # The ruleset is found from where its file is.
        rules = ROOT / "node_modules" / ".spectral.yaml"
        rules.write_text(RULES)
        path = tmp_path / "openapi.json"
        path.write_text(json.dumps(document))
        spectral = ROOT / "node_modules" / "@stoplight" / "spectral-cli" / "dist" / "index.js"
        command = ["node", spectral, "lint", path, "--ruleset", rules, "--format", "json", "--quiet"]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        assert done.returncode in {0, 1}, done.stderr
        return json.loads(done.stdout)

    return run


def errors(found):
    return sorted(
        (entry["code"], ".".join(map(str, entry["path"]))) for entry in found if entry["severity"] == 0
    )


@pytest.mark.slow
def test_spectral_finds_only_the_flaw_that_was_planted(client, lint):
    document = client.get("/api/openapi.json").json()
    # One flaw of our own shows that the rules are at work.
    document["components"]["schemas"]["Flawed"] = {"type": "string"}
    assert errors(lint(document)) == [("owasp:api4:2023-string-limit", "components.schemas.Flawed")]
