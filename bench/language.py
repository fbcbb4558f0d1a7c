"""How many lines of the corpus quick add reads right, beside dateparser, chrono and recurrent on the same lines.

`.venv/bin/python -m bench.language` installs the others into a throwaway folder (`dateparser`, `recurrent` and
`chrono-node`, at the versions below) and gives every parser the lines of `tests/tasks/corpora/quickadd.tsv`. Ours is
right if every field is. Of the others only the day, the time of day and, where they have rules, the rule are compared,
not the title; a line without a date is right if they find none. A tool without rules gets the lines of repeats wrong.
Cold import and time a line are medians of processes that take turns, as ratios to ours.

`--vikunja COMMAND` adds a parser from a checkout: a command that takes the lines as JSON on standard input and answers
like `bench/language_chrono.mjs`.
"""

import argparse
import json
import shlex
import subprocess
import sys
import tempfile
from collections import Counter
from datetime import datetime
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from tests.tasks import lines

PYTHON_PACKAGES = ("dateparser==1.5.0", "recurrent==0.4.1", "setuptools<81")
NODE_PACKAGES = ("chrono-node@2.10.3",)
HERE = Path(__file__).parent
ROUNDS = 5
_OURS = "ours"

Answer = dict[str, Any]


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="bench.language", description=__doc__)
    parser.add_argument("--vikunja", help="a command that reads the lines as Vikunja does")
    options = parser.parse_args()
    corpus = lines.read()
    with tempfile.TemporaryDirectory() as folder:
        commands = _commands(Path(folder))
        if options.vikunja:
            commands["Vikunja"] = shlex.split(options.vikunja)
        asked = json.dumps([_asked(line) for line in corpus])
        answers: dict[str, list[Answer]] = {name: [] for name in commands}
        for _ in range(ROUNDS):
            for name, command in commands.items():
                answers[name].append(_answer(command, asked, Path(folder)))
    _print_kinds(corpus, {name: rounds[0]["lines"] for name, rounds in answers.items()})
    _print_times(answers, len(corpus))
    return 0


def _commands(folder: Path) -> dict[str, list[str]]:
    uv = str(Path(sys.executable).parent / "uv")
    python = folder / "venv" / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", str(folder / "venv")], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), *PYTHON_PACKAGES], check=True)
    subprocess.run(["npm", "install", "--silent", "--prefix", str(folder), *NODE_PACKAGES], check=True)
    chrono = folder / "language_chrono.mjs"
    chrono.write_text((HERE / chrono.name).read_text())
    others = str(HERE / "language_others.py")
    return {
        _OURS: [sys.executable, others, _OURS],
        "dateparser": [str(python), others, "dateparser"],
        "chrono": ["node", str(chrono)],
        "recurrent": [str(python), others, "recurrent"],
    }


def _asked(line: lines.Line) -> dict[str, str]:
    return {"text": line.text, "now": line.now.isoformat(), "language": line.language}


def _answer(command: list[str], asked: str, folder: Path) -> Answer:
    done = subprocess.run(command, input=asked, capture_output=True, text=True, check=True)
    answer: Answer = json.loads(done.stdout)
    return answer


def _right(name: str, line: lines.Line, found: Answer) -> bool:
    if name == _OURS:
        return found == line.means
    day = found.get("due_date") == line.means.get("due_date")
    # Vikunja gives every day a time; where none is written, any will do.
    free = found.get("always_timed") and "due_time" not in line.means
    time = free or found.get("due_time") == line.means.get("due_time")
    return (
        day
        and time
        and not found.get("failed")
        and _same_rule(found.get("recurrence"), line.means.get("recurrence"), line.means.get("due_date"))
    )


def _same_rule(found: str | None, wanted: str | None, start: str | None) -> bool:
    if not found or not wanted or not start:
        return not found and not wanted
    return _days(found, start) == _days(wanted, start)


def _days(rule: str, start: str) -> list[datetime] | None:
    from dateutil.rrule import rrulestr

    try:
        return list(islice(rrulestr(rule, dtstart=datetime.fromisoformat(start), ignoretz=True), 15))
    except (ValueError, TypeError):
        return None


def _print_kinds(corpus: list[lines.Line], found: dict[str, list[Answer]]) -> None:
    kinds = list(dict.fromkeys(line.kind for line in corpus))
    right: Counter[tuple[str, str]] = Counter()
    for name, answers in found.items():
        for line, answer in zip(corpus, answers, strict=True):
            for kind in (line.kind, line.language, "all"):
                right[name, kind] += _right(name, line, answer)
    total = Counter(kind for line in corpus for kind in (line.kind, line.language, "all"))
    print(f"| lines | number | {' | '.join(found)} |")
    print(f"|---|---:|{'---:|' * len(found)}")
    for kind in [*kinds, *dict.fromkeys(line.language for line in corpus), "all"]:
        print(f"| {kind} | {total[kind]} | {' | '.join(str(right[name, kind]) for name in found)} |")
    print()


def _print_times(answers: dict[str, list[Answer]], number: int) -> None:
    imports = {name: median(each["import"] for each in rounds) for name, rounds in answers.items()}
    each = {name: median(each["seconds"] for each in rounds) / number for name, rounds in answers.items()}
    print("| parser | cold import, ms | ratio | a line, ms | ratio |")
    print("|---|---:|---:|---:|---:|")
    for name in answers:
        cold = (
            f"{imports[name] * 1000:.0f} | {imports[name] / imports[_OURS]:.1f}" if imports[name] else "- | -"
        )
        print(f"| {name} | {cold} | {each[name] * 1000:.2f} | {each[name] / each[_OURS]:.1f} |")


if __name__ == "__main__":
    sys.exit(main())
