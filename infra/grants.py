"""The table of grants, `infra/grants.json`: what each role may do, and what uses it or why it is granted all the same.

Least privilege in both directions: a grant that no rehearsal uses has its reason in the table, and a call that nothing
grants fails the rehearsal. After a change of permissions:

    python -m infra.grants                 adds new grants to the table, with an empty reason, and removes old ones
    python -m infra.grants --mark CALLS    also marks as used what the calls of a rehearsal used
    python -m infra.grants --compare CALLS compares the table with such calls

The local AWS writes CALLS if LOCAL_AWS_CALLS names the file, as `infra.rehearsal` does.
"""

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from infra.roles import synthesised
from infra.settings import ENGINES, ROOT
from localcloud.provision import MAIL_SENDER

TABLE = ROOT / "infra" / "grants.json"
USED = "used"
SHOWN = 20  # of many findings
Grants = dict[
    str, dict[str, dict[str, str]]
]  # role, action, resource: USED, or the reason of an unused grant
Call = tuple[str, str, str]  # role, action, resource


def granted() -> Grants:
    """Return what the stacks grant, on either engine, with empty reasons."""
    found: Grants = {}
    for engine in ENGINES:
        for name, role in synthesised({"stage": "dev", "engine": engine, "sender": MAIL_SENDER}).items():
            for statement in role.statements:
                for action in statement["Action"]:
                    resources = {_general(resource, "dev"): "" for resource in statement["Resource"]}
                    found.setdefault(_general(name, "dev"), {}).setdefault(action, {}).update(resources)
    return found


def table() -> Grants:
    """Return the table."""
    found: Grants = json.loads(TABLE.read_text())
    return found


def update(used: Iterable[Call] = ()) -> Grants:
    """Return what the stacks grant with the reasons of the table, and mark what was `used`."""
    before, now = table() if TABLE.exists() else {}, granted()
    for role, actions in now.items():
        for action, resources in actions.items():
            for resource in resources:
                resources[resource] = before.get(role, {}).get(action, {}).get(resource, "")
    for call in used:
        for role, action, resource in _matching(now, call):
            now[role][action][resource] = USED
    return now


def compare(path: Path, stage: str) -> list[str]:
    """Return what is wrong with the table after a rehearsal of `stage` that wrote its calls to `path`."""
    known, found = table(), []
    unseen = {grant for grant in _all(known) if known[grant[0]][grant[1]][grant[2]] == USED}
    for call, allowed in sorted(_calls(path, stage).items()):
        if not allowed:
            found.append(f"refused: {_text(call)}")
            continue
        matching = set(_matching(known, call))
        if not matching:
            found.append(f"used, but not granted: {_text(call)}")
        unseen -= matching
    found += [f"granted as used, but not used: {_text(grant)}" for grant in sorted(unseen)]
    return [*found[:SHOWN], *([f"and {len(found) - SHOWN} more"] if len(found) > SHOWN else [])]


def _text(call: Call) -> str:
    return " ".join(call)


def _all(grants: Grants) -> Iterator[Call]:
    for role, actions in grants.items():
        for action, resources in actions.items():
            yield from ((role, action, resource) for resource in resources)


def _matching(grants: Grants, call: Call) -> Iterator[Call]:
    """Yield the grants that allow a call."""
    role, action, resource = call
    for pattern in grants.get(role, {}).get(action, {}):
        if re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), resource):
            yield role, action, pattern


def _calls(path: Path, stage: str) -> dict[Call, bool]:
    """Return the calls of the stage's roles, and whether every one was allowed; refusals of services too."""
    found: dict[Call, bool] = {}
    for line in path.read_text().splitlines():
        entry = json.loads(line)
        role = re.search(r":(?:assumed-)?role/([^/]+)", entry["principal"])
        name = _general(role[1] if role else entry["principal"], stage)
        if not entry["allowed"] or name.startswith("todo-"):
            call = (name, entry["action"], _general(entry["resource"], stage))
            found[call] = found.get(call, True) and entry["allowed"]
    return found


def _general(text: str, stage: str) -> str:
    """Return a name or an ARN without what differs between deployments: the stage, an upload's digest, an id."""
    text = re.sub(rf"-{stage}(?![a-z])", "-{stage}", text)
    text = re.sub(r"/[0-9a-f]{64}\.", "/*.", text)
    return re.sub(r"(Stack-[A-Za-z]+?)-?[0-9A-F]{8}.*", r"\1", text)  # a name that CloudFormation gave


def main() -> int:
    """Run the command line; return 1 if the comparison finds something."""
    parser = argparse.ArgumentParser(prog="python -m infra.grants", description=__doc__)
    parser.add_argument("--stage", default="dev", help="stage of the rehearsal that wrote the calls")
    parser.add_argument("--mark", type=Path, metavar="CALLS")
    parser.add_argument("--compare", type=Path, metavar="CALLS")
    options = parser.parse_args()
    if options.compare:
        found = compare(options.compare, options.stage)
        print("\n".join(found) or "every call was granted, and every grant was used or has its reason")
        return 1 if found else 0
    used = _calls(options.mark, options.stage) if options.mark else {}
    grants = update(call for call, allowed in used.items() if allowed)
    TABLE.write_text(json.dumps(grants, indent=1, sort_keys=True) + "\n")
    missing = [_text(grant) for grant in _all(grants) if not grants[grant[0]][grant[1]][grant[2]]]
    print("\n".join([f"wrote {TABLE.relative_to(ROOT)}", *(f"needs a reason: {each}" for each in missing)]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
