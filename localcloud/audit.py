"""``python -m localcloud.audit NAME …``: ask PyPI's and npm's advisories about what ``requirements/NAME.txt`` pins.

What could not be asked about is no less a failure than what has a known flaw: pip-audit itself would call it clean. It
ends with 0 if everything was asked and nothing is known, 1 if something is known, 2 if something could not be asked.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CLEAN, KNOWN, UNASKED = 0, 1, 2
PIP_AUDIT = (".venv-audit/bin/pip-audit", "--disable-pip", "--require-hashes", "-f", "json", "-r")
NPM_AUDIT = ("npm", "audit", "--package-lock-only", "--json")


@dataclass(frozen=True, slots=True)
class Answers:
    """What is known about packages, and about which ones nothing could be asked."""

    known: list[str]
    unasked: list[str]


def of_pip(said: str) -> Answers:
    """Return what pip-audit's JSON says. Raises ValueError if it is none."""
    packages = json.loads(said)["dependencies"]
    flaws = [
        f"{package['name']} {package['version']}: {flaw['id']}, mended in {', '.join(flaw['fix_versions']) or 'none'}"
        for package in packages
        for flaw in package.get("vulns", ())
    ]
    return Answers(flaws, [package["name"] for package in packages if "skip_reason" in package])


def of_npm(said: str) -> Answers:
    """Return what npm's JSON says. Raises ValueError if npm could not ask."""
    answer = json.loads(said)
    if "vulnerabilities" not in answer:
        raise ValueError(answer.get("message") or "npm has no answer")
    flaws = [
        f"{name} {flaw['range']}: {flaw['severity']}" for name, flaw in answer["vulnerabilities"].items()
    ]
    return Answers(flaws, [])


def _said(command: Sequence[str]) -> str:
    """Return the JSON that a command prints. Raises ValueError with its last words if that is none, and OSError."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if not done.stdout.lstrip().startswith("{"):
        raise ValueError((done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"])[-1])
    return done.stdout


def audit(names: Sequence[str]) -> int:
    """Ask about files of requirements and ``package-lock.json``, print what was said, and return how it ends."""
    known = unasked = 0
    asked = [(f"requirements/{name}.txt", (*PIP_AUDIT, f"requirements/{name}.txt"), of_pip) for name in names]
    for what, command, read in (*asked, ("package-lock.json", NPM_AUDIT, of_npm)):
        try:
            answers = read(_said(command))
        except (OSError, ValueError) as error:
            unasked += 1
            print(f"{what}: not asked: {error}")
            continue
        known += len(answers.known)
        unasked += len(answers.unasked)
        for flaw in answers.known:
            print(f"{what}: {flaw}")
        if answers.unasked:
            print(f"{what}: not asked about {len(answers.unasked)}: {', '.join(answers.unasked)}")
        elif not answers.known:
            print(f"{what}: nothing is known")
    if unasked:
        print(
            "Not everything could be asked: PyPI and npm must be reachable themselves, not a mirror of their files."
        )
    return KNOWN if known else UNASKED if unasked else CLEAN


if __name__ == "__main__":
    sys.exit(audit(sys.argv[1:]))
