"""The OpenAPI document under spectral, with the rules of OpenAPI and of OWASP"""

import json
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
RULES = 'extends: ["spectral:oas", "@stoplight/spectral-owasp-ruleset"]\n'
HEALTH = "paths./api/health.get"
# Rule -> what it may find, and why.
ACCEPTED = {
    "info-contact": "info",  # whoever runs the site is the contact, and the document does not know them
    # Load balancers ask for it, without credentials and as often as they like; it reads nothing.
    "owasp:api2:2023-read-restricted": f"{HEALTH}.security",
    "owasp:api4:2023-rate-limit-responses-429": f"{HEALTH}.responses",
    "owasp:api8:2023-define-error-responses-401": f"{HEALTH}.responses",
}


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
        return {(entry["code"], ".".join(map(str, entry["path"]))) for entry in json.loads(done.stdout)}

    return run


@pytest.mark.slow
def test_spectral_finds_only_the_flaw_that_was_planted(client, lint):
    """Errors and warnings alike."""
    document = client.get("/api/openapi.json").json()
    # One flaw of our own shows that the rules are at work.
    document["components"]["schemas"]["HealthOut"]["properties"]["flawed"] = {
        "type": "string",
        "pattern": "x",
    }
    planted = ("owasp:api4:2023-string-limit", "components.schemas.HealthOut.properties.flawed")
    assert lint(document) == {planted, *ACCEPTED.items()}
