"""``make audit`` fails for a known flaw and for what could not be asked; ``make sbom`` has every pinned library."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from localcloud import audit
from localcloud.audit import CLEAN, KNOWN, UNASKED

ROOT = Path(__file__).resolve().parent.parent
PIP_CLEAN = {"dependencies": [{"name": "django", "version": "5.2.9", "vulns": []}], "fixes": []}
FLAW = {"id": "PYSEC-2099-1", "fix_versions": ["5.2.10"], "aliases": [], "description": ""}
PIP_KNOWN = {"dependencies": [{"name": "django", "version": "5.2.9", "vulns": [FLAW]}], "fixes": []}
# What pip-audit says of a mirror that has files but no advisories; it ends with 0 and calls that clean.
PIP_SKIPPED = {
    "dependencies": [{"name": "django", "skip_reason": "Dependency not found on PyPI"}],
    "fixes": [],
}
NPM_CLEAN = {"auditReportVersion": 2, "vulnerabilities": {}, "metadata": {}}
NPM_KNOWN = {"auditReportVersion": 2, "vulnerabilities": {"axe-core": {"range": "<9", "severity": "high"}}}
NPM_REFUSED = {"message": "405 Method Not Allowed - POST https://registry/advisories", "statusCode": 405}


@pytest.fixture
def answering(monkeypatch):
    """Return a function that lets pip-audit and npm print something (an OSError: they are not there)."""

    def answer(pip, npm):
        def run(command, **_):
            said = npm if command[0] == "npm" else pip
            if isinstance(said, OSError):
                raise said
            out, err = (json.dumps(said), "") if isinstance(said, dict) else ("", said)
            return subprocess.CompletedProcess(command, 1, out, err)

        monkeypatch.setattr(audit.subprocess, "run", run)

    return answer


@pytest.mark.parametrize(
    ("pip", "npm", "ends", "says"),
    [
        (PIP_CLEAN, NPM_CLEAN, CLEAN, "requirements/web.txt: nothing is known"),
        (PIP_KNOWN, NPM_CLEAN, KNOWN, "requirements/web.txt: django 5.2.9: PYSEC-2099-1, mended in 5.2.10"),
        (PIP_CLEAN, NPM_KNOWN, KNOWN, "package-lock.json: axe-core <9: high"),
        (PIP_SKIPPED, NPM_CLEAN, UNASKED, "requirements/web.txt: not asked about 1: django"),
        (PIP_CLEAN, NPM_REFUSED, UNASKED, "package-lock.json: not asked: 405 Method Not Allowed"),
        ("WARNING\nConnection refused", NPM_CLEAN, UNASKED, "web.txt: not asked: Connection refused"),
        ("", NPM_CLEAN, UNASKED, "web.txt: not asked: it ended with 1"),
        (PIP_CLEAN, FileNotFoundError("npm"), UNASKED, "package-lock.json: not asked: npm"),
        (PIP_KNOWN, NPM_REFUSED, KNOWN, "reachable themselves"),
    ],
)
def test_what_is_known_and_what_could_not_be_asked_both_fail(answering, capsys, pip, npm, ends, says):
    answering(pip, npm)
    assert audit.audit(["web"]) == ends
    said = capsys.readouterr().out
    assert says in said
    assert ("Not everything could be asked" in said) == (ends == UNASKED or "reachable" in says)


def recipe(target: str) -> str:
    """Return what ``make`` would run for a target, without the environments it needs."""
    done = subprocess.run(
        ["make", "-n", "-o", "env", target], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_targets_ask_about_every_lock_of_the_product():
    assert "-m localcloud.audit web lake infra dev\n" in recipe("audit")
    sbom = " ".join(recipe("sbom").split())
    assert re.search(r"for name in web lake; do .*cyclonedx-py requirements .* requirements/\$name.txt", sbom)


@pytest.mark.parametrize("name", ["web", "lake"])
def test_the_bill_of_materials_has_every_pinned_library_with_its_hashes(name, tmp_path):
    tool = ROOT / ".venv-audit/bin/cyclonedx-py"
    if not tool.exists():
        pytest.skip("make sbom has not installed its tool")
    lock, bill = ROOT / f"requirements/{name}.txt", tmp_path / "bill.json"
    subprocess.run(
        [tool, "requirements", "--output-reproducible", "--output-format", "JSON", "-o", bill, lock],
        check=True,
        capture_output=True,
    )
    found = json.loads(bill.read_text())
    assert found["bomFormat"] == "CycloneDX"
    pinned = re.findall(r"^([\w.\-]+)==([^ \\;]+)", lock.read_text(), re.MULTILINE)
    assert sorted((one["name"], one["version"]) for one in found["components"]) == sorted(pinned)
    assert all(one["externalReferences"][0]["hashes"] for one in found["components"])


def test_the_advisories_are_asked_every_week_and_when_what_is_pinned_changes():
    workflow = (ROOT / ".github" / "workflows" / "audit.yml").read_text()
    assert re.search(r"schedule:\n +- cron: \"\d+ \d+ \* \* \d\"", workflow)
    assert workflow.count('paths: ["requirements/**", "package-lock.json"]') == 2
    assert "- run: make audit\n" in workflow
    assert "- run: make sbom\n" in workflow
