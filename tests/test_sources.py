"""What no source of a request does: start programs, make code of text, open addresses that it was not built for."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVED = ("web", "store", "identity", "dynamo_admin", "insights", "tasks", "todo_site")
# Run by operators, on their own machines.
COMMANDS = {"management", "smoke", "costs", "demo"}
# Which modules open addresses, and whose: all of them come from settings.
OPENING = {
    "identity/mailbox.py": "the mails of a local copy",
    "identity/token_verification.py": "Cognito's keys",
    "todo_site/operations/service_checks.py": "the same, for the Health page",
}
NETWORK = {
    "urllib.request",
    "http.client",
    "socket",
    "requests",
    "httpx",
    "urllib3",
    "aiohttp",
    "ftplib",
    "smtplib",
}
PROGRAMS = {"subprocess", "pty", "multiprocessing"}
FROM_TEXT = {"pickle", "marshal", "shelve", "yaml", "dill", "code", "codeop"}
CALLS = {"eval", "exec", "compile", "__import__"}
SCRIPT = re.compile(
    r"\beval\(|\bnew Function\b|\bFunction\(|\.write(ln)?\(\s*[`'\"<]|set(Timeout|Interval)\(\s*[`'\"]"
)


def sources():
    for package in SERVED:
        for path in sorted((ROOT / package).rglob("*.py")):
            if not COMMANDS & set(path.relative_to(ROOT).parts):
                yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def called(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                yield node.func.id
            elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
                yield f"{node.func.value.id}.{node.func.attr}"


def test_no_request_starts_a_program():
    started = {"os.system", "os.popen", "os.execv", "os.spawnv", "os.posix_spawn", "os.fork"}
    assert not [
        name for name, tree in sources() if PROGRAMS & set(imported(tree)) or started & set(called(tree))
    ]


def test_no_code_is_made_of_text():
    assert not [
        name for name, tree in sources() if FROM_TEXT & set(imported(tree)) or CALLS & set(called(tree))
    ]
    scripts = sorted((ROOT / "static").rglob("*.js"))
    assert len(scripts) > 8
    assert not [path.name for path in scripts if SCRIPT.search(path.read_text())]


def test_only_named_modules_open_addresses():
    assert {name for name, tree in sources() if NETWORK & set(imported(tree))} == OPENING.keys()


def test_what_is_looked_for_is_found():
    tree = ast.parse("import subprocess\nfrom urllib import request\neval('1')\nos.system('x')")
    assert {"subprocess", "urllib.request"} <= set(imported(tree))
    assert {"eval", "os.system"} <= set(called(tree))
    assert SCRIPT.search("setTimeout('go()', 1)")
