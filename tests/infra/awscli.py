"""The `aws …` lines of the documents: read as the AWS command line reads them, checked against botocore, and run.

`python -m tests.infra.awscli <service> <operation> …` stands in for the command line in a shell.
"""

import json
import re
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path

import boto3
import botocore.session
import jmespath
from botocore import xform_name
from botocore.validate import validate_parameters

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*(ROOT / "docs/runbooks").glob("*.md"), ROOT / "README.md", ROOT / "infra/README.md"])
ID = "0199d3a4-6f2e-7c41-9b1d-3f5a8e6c2d10"
# What stands for what the reader fills in, where its own name would be refused.
EXAMPLES = {
    "id": ID,
    "backup": "arn:aws:dynamodb:us-east-1:000000000000:table/todo-app-data/backup/0123456789012-ab",
}
EVERYWHERE = {"query", "output", "region", "profile"}
# Commands of the command line's own, beside those that are operations of the service.
FILES = {"ls": {"recursive"}, "cp": {"recursive"}, "mv": {"recursive"}}
_CODE = re.compile(r"```[a-z]*\n(.*?)```|`([^`\n]+)`", re.DOTALL)
_START = re.compile(r"(?:^|\$\()\s*aws (?=[a-z])", re.MULTILINE)
_models = botocore.session.Session()


class WrongLine(ValueError):  # noqa: N818  what it is, not who raised it
    """A line that the AWS command line would refuse."""


@dataclass(frozen=True)
class Command:
    """One line: service, operation, and its options with their words (none for a switch)."""

    service: str
    operation: str
    arguments: tuple[str, ...]
    options: dict[str, list[str]]

    @property
    def is_mention(self):
        """Whether the document only says its name."""
        return not self.options and not self.arguments

    def parameters(self):
        """The operation's name in the API, and its parameters; `WrongLine` says what is."""
        model = _models.get_service_model({"s3api": "s3"}.get(self.service, self.service))
        names = {xform_name(name, "-"): name for name in model.operation_names}
        names |= self.waited_for() if self.operation == "wait" else {}
        if self.operation not in names:
            raise WrongLine(f"{self.service} has no {self.operation}")
        shape = model.operation_model(names[self.operation]).input_shape
        members = {xform_name(name, "-"): (name, member) for name, member in shape.members.items()}
        given = {}
        for option, words in self.options.items():
            if option in EVERYWHERE:
                continue
            plain = option.removeprefix("no-")
            if option not in members and (plain not in members or members[plain][1].type_name != "boolean"):
                raise WrongLine(f"{self.service} {self.operation} has no --{option}")
            name, member = members.get(option) or members[plain]
            given[name] = value(member, words, option == plain)
        report = validate_parameters(given, shape) if not self.is_mention else None
        return names[self.operation], given, report

    def waited_for(self):
        """The operation that `wait` repeats, as if it were one of the service's own names."""
        known = _models.get_waiter_model(self.service)
        names = {xform_name(name, "-"): name for name in known.waiter_names}
        (what,) = self.arguments
        if what not in names:
            raise WrongLine(f"{self.service} waits for no {what}")
        return {"wait": known.get_waiter(names[what]).operation}

    def check(self):
        """Raise what the command line would say."""
        if self.service == "s3":
            if self.operation not in FILES or set(self.options) - FILES[self.operation] - EVERYWHERE:
                raise WrongLine(f"s3 {self.operation} {list(self.options)}")
            return
        self.parameters()
        jmespath.compile(self.options.get("query", ["@"])[0])

    def run(self, connection):
        """Run it; what `--query` leaves of the answer."""
        if self.service == "s3":
            return run_files(self, boto3.client("s3", **connection))
        name, given, _ = self.parameters()
        client = boto3.client({"s3api": "s3"}.get(self.service, self.service), **connection)
        answer = getattr(client, xform_name(name))(**given)
        return jmespath.search(self.options.get("query", ["@"])[0], answer)


def value(member, words, switch):
    """What the command line makes of the words of an option."""
    kind = member.type_name
    if kind == "boolean":
        return switch
    if kind == "list":
        return [value(member.member, [word], switch) for word in words]
    (word,) = words
    if kind in {"integer", "long"}:
        return int(word)
    if kind in {"map", "structure"}:
        return json.loads(word) if word.startswith("{") else shorthand(member, word)
    return word


def shorthand(member, word):
    """What the command line makes of `Name=value,Name=value`."""
    given = dict(part.split("=", 1) for part in word.split(","))
    if member.type_name == "map":
        return given
    switches = {name for name, shape in member.members.items() if shape.type_name == "boolean"}
    return {name: text == "true" if name in switches else text for name, text in given.items()}


def run_files(command, s3):
    """`aws s3 …` by operations of S3."""
    bucket, _, key = command.arguments[0].removeprefix("s3://").partition("/")
    if command.operation == "ls":
        return [each["Key"] for each in s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", ())]
    content = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
    if command.operation == "mv":
        target, _, name = command.arguments[1].removeprefix("s3://").partition("/")
        s3.put_object(Bucket=target, Key=name, Body=content.encode())
        s3.delete_object(Bucket=bucket, Key=key)
    return content


def lines(path):
    """Every `aws …` line of a document, those inside another one too, each up to where it ends."""
    for block, span in _CODE.findall(path.read_text()):
        text = (block or span).replace("\\\n", " ")
        for found in _START.finditer(text):
            yield ended(text[found.start() :].lstrip("$( \n"))


def ended(text):
    """The beginning of `text` up to the end of its line, or up to the bracket that closes it."""
    depth, quote = 0, ""
    for place, sign in enumerate(text):
        if quote == "'":
            quote = "" if sign == "'" else quote
        elif sign in "'\"":
            quote = "" if quote == sign else (quote or sign)
        elif sign == "(":
            depth += 1
        elif sign == ")":
            depth -= 1
            if depth < 0:
                return text[:place]
        elif sign == "\n" and depth == 0 and not quote:
            return text[:place]
    return text


_NESTED = re.compile(r'"?\$\((?:[^()"\']|"[^"]*"|\'[^\']*\')*\)"?')


def read(line, filled=None):
    """Return the command in a line; `filled` replaces what the reader of the document fills in, by its name.

    What another command answers (`$(…)`) is filled in under the name `$(…)`.
    """
    filled = filled or {}
    line = _NESTED.sub(lambda _: shlex.quote(filled.get("$(…)", "answer")), line)
    line = re.sub(r"\$\{?([A-Z_a-z]+)\}?", lambda m: filled.get(m[1], m[1].lower()), line)
    line = re.sub(r"<([\w ]+)>", lambda m: filled.get(m[1], EXAMPLES.get(m[1], m[1].replace(" ", "-"))), line)
    return command(shlex.split(line)[1:])


def command(words):
    """Return the command that the words after `aws` are."""
    service, operation, *words = words
    arguments, options, current = [], {}, None
    for word in words:
        if word.startswith("--"):
            current = options.setdefault(word[2:], [])
        else:
            (arguments if current is None else current).append(word)
    # A switch takes no word: what follows `--recursive` is an argument.
    arguments += options.get("recursive", [])
    return Command(service, operation, tuple(arguments), options)


def shown(answer):
    """An answer as `--output text` shows it; structures as JSON."""
    if isinstance(answer, list):
        return "\t".join(map(shown, answer))
    return answer if isinstance(answer, str) else json.dumps(answer, default=str)


if __name__ == "__main__":
    print(shown(command(sys.argv[1:]).run({})))
