"""Answers SHOW and DESCRIBE statements from the Glue catalog."""

import re
from collections.abc import Callable

from ministack.services import glue

from localcloud.aws.athena import catalog
from localcloud.aws.athena.results import Column, Result

NAME = r"(?:[`\"]?(?P<database>\w+)[`\"]?\.)?[`\"]?(?P<table>\w+)[`\"]?"


def answer(sql: str, database: str) -> Result | None:
    """Return the result of a SHOW or DESCRIBE statement, None for any other."""
    statement = sql.strip().rstrip(";").strip()
    for pattern, respond in STATEMENTS:
        match = re.fullmatch(pattern, statement, re.IGNORECASE)
        if match:
            return respond(match, database)
    return None


def _databases(match: re.Match[str], database: str) -> Result:
    return _lines("database_name", sorted(glue._databases.keys()))


def _tables(match: re.Match[str], database: str) -> Result:
    prefix = f"{match['database'] or database}/"
    return _lines(
        "tab_name", sorted(key.removeprefix(prefix) for key in glue._tables if key.startswith(prefix))
    )


def _columns(match: re.Match[str], database: str) -> Result:
    table = catalog.table(match["database"] or database, match["table"])
    return _lines("field", [column["Name"] for column in table.columns])


def _describe(match: re.Match[str], database: str) -> Result:
    table = catalog.table(match["database"] or database, match["table"])
    return _lines("field", [f"{column['Name']:<20}\t{column['Type']:<20}\t" for column in table.columns])


def _partitions(match: re.Match[str], database: str) -> Result:
    table = catalog.table(match["database"] or database, match["table"])
    names = [key["Name"] for key in table.partition_keys]
    partitions = glue._partitions.get(f"{table.glue['DatabaseName']}/{table.glue['Name']}") or []
    lines = [
        "/".join(map("=".join, zip(names, partition["Values"], strict=False))) for partition in partitions
    ]
    return _lines("partition", lines)


def _lines(name: str, lines: list[str]) -> Result:
    return Result([Column(name, "string")], [[line] for line in lines])


STATEMENTS: tuple[tuple[str, Callable[[re.Match[str], str], Result]], ...] = (
    (r"show\s+(?:databases|schemas)", _databases),
    (r"show\s+tables(?:\s+(?:in|from)\s+[`\"]?(?P<database>\w+)[`\"]?)?", _tables),
    (rf"show\s+columns\s+(?:in|from)\s+{NAME}", _columns),
    (rf"show\s+partitions\s+{NAME}", _partitions),
    (rf"desc(?:ribe)?\s+{NAME}", _describe),
)
