"""Glue tables as DuckDB relations over the object files on disk."""

# ruff: noqa: S608 - every name and value is quoted by identifier() and quoted()

import base64
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from ministack.core.responses import get_account_id
from ministack.services import athena, glue, s3
from sqlglot import exp

from localcloud.aws.athena import permissions
from localcloud.aws.athena.errors import QueryError
from localcloud.aws.duckdb_session import identifier, quoted

Values = dict[str, str]
WIDENING = {
    "TINYINT": {"UTINYINT"},
    "SMALLINT": {"TINYINT", "UTINYINT"},
    "INTEGER": {"TINYINT", "SMALLINT", "UTINYINT", "USMALLINT"},
    "BIGINT": {"TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT", "UINTEGER"},
    "DOUBLE": {"FLOAT"},
    "TIMESTAMP": {"TIMESTAMP WITH TIME ZONE", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S"},
    "VARCHAR": {"BLOB", "JSON", "UUID"},
    "BLOB": {"VARCHAR"},
}
SYMLINKS = "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat"
VIEW = re.compile(r"/\* Presto View: ([A-Za-z0-9+/=]+) \*/")
HIVE = {"varchar": "string", "timestamp(3)": "timestamp"}
VARIABLE = re.compile(r"\\\$\\\{(\w+)\\\}")


@dataclass(slots=True)
class Table:
    """A Glue table as a query uses it."""

    database: str
    name: str
    glue: dict[str, Any]
    keep: list[Callable[[Values], bool]] = field(default_factory=list)
    files: dict[str, Values] = field(default_factory=dict)
    scanned: int = 0

    @property
    def partition_keys(self) -> list[dict[str, str]]:
        """Partition columns, Glue style."""
        return self.glue.get("PartitionKeys") or []

    @property
    def columns(self) -> list[dict[str, str]]:
        """All columns, partition columns last."""
        return [*((self.glue.get("StorageDescriptor") or {}).get("Columns") or []), *self.partition_keys]

    def schema(self) -> dict[str, str]:
        """Column name to Trino type."""
        return {column["Name"].lower(): _glue_type(column).sql("trino") for column in self.columns}

    def find_files(self) -> None:
        """List the files to read; call it on the event loop, where no other request runs meanwhile."""
        for values, storage in _storages(self):
            if all(keep(values) for keep in self.keep):
                find = _listed if storage.get("InputFormat") == SYMLINKS else _objects
                for path, size in find(storage.get("Location") or ""):
                    self._add(path, values, size)

    def _add(self, path: str, values: Values, size: int) -> None:
        template = _template(self)
        if template is not None:
            match = template.search(path)
            if match is None or not all(keep(match.groupdict()) for keep in self.keep):
                return
            values = match.groupdict()
        self.files[path] = values
        self.scanned += size


def table(database: str, name: str) -> Table:
    """Return a table of the catalog or raise TABLE_NOT_FOUND / SCHEMA_NOT_FOUND."""
    found = glue._tables.get(f"{database.lower()}/{name.lower()}") or glue._tables.get(f"{database}/{name}")
    if found is not None:
        permissions.read_table(database, found)
        return Table(database, name, found)
    if database not in glue._databases and database.lower() not in glue._databases:
        raise QueryError("SCHEMA_NOT_FOUND", f"line 1:1: Schema '{database.lower()}' does not exist")
    raise QueryError("TABLE_NOT_FOUND", f"line 1:1: Table 'awsdatacatalog.{database}.{name}' does not exist")


def _glue_type(column: dict[str, str]) -> exp.DataType:
    return exp.DataType.build(column.get("Type") or "string", dialect="hive")


def _duckdb_type(column: dict[str, str]) -> str:
    kind: str = _glue_type(column).sql("duckdb")
    return {"TEXT": "VARCHAR", "INT": "INTEGER", "REAL": "FLOAT"}.get(kind, kind)


def view_query(table: Table) -> str | None:
    """Return the query of a view, None for a table."""
    if table.glue.get("TableType") != "VIRTUAL_VIEW":
        return None
    found = VIEW.fullmatch(table.glue.get("ViewOriginalText") or "")
    if found is None:
        raise QueryError("INVALID_VIEW", f"Invalid view JSON: {table.database}.{table.name}")
    stored = json.loads(base64.b64decode(found[1]))
    held = [(column["Name"], column["Type"]) for column in table.columns]
    said = [(column["name"], HIVE.get(column["type"], column["type"])) for column in stored["columns"]]
    if held != said:
        raise QueryError("VIEW_IS_STALE", f"View '{table.name}' is stale: column types have changed")
    return str(stored["originalSql"])


def _storages(table: Table) -> list[tuple[Values, dict[str, Any]]]:
    """Return (partition values, storage descriptor) of every registered partition, or of the table itself."""
    storage = table.glue.get("StorageDescriptor") or {}
    keys = [key["Name"] for key in table.partition_keys]
    if not keys or _projected(table):
        return [({}, storage)]
    partitions = glue._partitions.get(f"{table.glue['DatabaseName']}/{table.glue['Name']}") or []
    return [
        (dict(zip(keys, partition["Values"], strict=False)), partition["StorageDescriptor"])
        for partition in partitions
    ]


def _projected(table: Table) -> bool:
    parameters: dict[str, str] = table.glue.get("Parameters") or {}
    return parameters.get("projection.enabled", "").lower() == "true"


def _template(table: Table) -> re.Pattern[str] | None:
    """Return a pattern for the partition values in paths of a table with partition projection."""
    if not table.partition_keys or not _projected(table):
        return None
    location = table.glue["StorageDescriptor"]["Location"].rstrip("/")
    default = "/".join([location, *(f"{key['Name']}=${{{key['Name']}}}" for key in table.partition_keys)])
    template = table.glue["Parameters"].get("storage.location.template", default)
    return re.compile(VARIABLE.sub(r"(?P<\1>[^/]+)", re.escape(_path(template.rstrip("/") + "/"))))


def _path(url: str) -> str:
    parsed = urlparse(url.replace("${", "%24%7B").replace("}", "%7D"))
    path = f"{parsed.netloc}{parsed.path}".replace("%24%7B", "${").replace("%7D", "}")
    return f"{os.path.realpath(s3.DATA_DIR)}/{get_account_id()}/{path}"


def _objects(location: str) -> list[tuple[str, int]]:
    """Return (file, bytes) of every visible object under a location."""
    parsed = urlparse(location)
    prefix = parsed.path.lstrip("/")
    prefix = prefix if not prefix or prefix.endswith("/") else f"{prefix}/"
    bucket = s3._buckets.get(parsed.netloc)
    if bucket is None:
        return []
    root = _path(f"s3://{parsed.netloc}/")
    return [
        (root + key, record["size"])
        for key, record in bucket["objects"].items()
        if key.startswith(prefix) and record.get("size") and not athena._hidden(key[len(prefix) :])
    ]


def _listed(location: str) -> list[tuple[str, int]]:
    """Return (file, bytes) of every object that the lists under a location name, one address a line."""
    found = []
    for path, _ in _objects(location):
        for address in Path(path).read_text().splitlines():
            parsed = urlparse(address)
            key = parsed.path.lstrip("/")
            record = (s3._buckets.get(parsed.netloc) or {"objects": {}})["objects"].get(key)
            if record is None:
                raise QueryError("HIVE_CANNOT_OPEN_SPLIT", f"Error opening Hive split {address}: not found")
            found.append((_path(f"s3://{parsed.netloc}/") + key, record["size"]))
    return found


def relation(cursor: Any, table: Table) -> str:
    """Return a DuckDB SELECT with the table's columns in their Glue types, partition columns included."""
    if not table.files:
        nothing = (f"CAST(NULL AS {_duckdb_type(column)}) AS {_name(column)}" for column in table.columns)
        return f'SELECT {", ".join(nothing)}, NULL::VARCHAR AS "$path" WHERE FALSE'
    if athena._data_format(table.glue) != "parquet":
        return f"SELECT * FROM {athena._table_relation(table.glue, list(table.files))}"
    files = "[" + ", ".join(map(quoted, table.files)) + "]"
    source = f"read_parquet({files}, union_by_name = true, filename = '$path', hive_partitioning = false)"
    stored = _stored_columns(cursor, source)
    partitions = {key["Name"] for key in table.partition_keys}
    data = [_data_column(column, stored) for column in table.columns if column["Name"] not in partitions]
    keys = [
        f"CAST(partitions.{_name(key)} AS {_duckdb_type(key)}) AS {_name(key)}"
        for key in table.partition_keys
    ]
    join = f' JOIN {_partition_values(table)} ON partitions.file = files."$path"' if keys else ""
    place = f'replace(files."$path", {quoted(_path("s3://"))}, \'s3://\') AS "$path"'
    return f"SELECT {', '.join([*data, *keys, place])} FROM {source} AS files{join}"


def _name(column: dict[str, str]) -> str:
    return identifier(column["Name"].lower())


def _partition_values(table: Table) -> str:
    names = [key["Name"] for key in table.partition_keys]
    rows = ", ".join(
        f"({quoted(path)}, {', '.join(quoted(values[name]) for name in names)})"
        for path, values in table.files.items()
    )
    return f"(VALUES {rows}) AS partitions(file, {', '.join(identifier(name.lower()) for name in names)})"


def _stored_columns(cursor: Any, source: str) -> dict[str, tuple[str, str]]:
    described = cursor.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    return {name.lower(): (name, kind) for name, kind, *_ in described}


def _data_column(column: dict[str, str], stored: dict[str, tuple[str, str]]) -> str:
    wanted = _duckdb_type(column)
    if column["Name"].lower() not in stored:
        return f"CAST(NULL AS {wanted}) AS {_name(column)}"
    name, kind = stored[column["Name"].lower()]
    if not _compatible(wanted, kind):
        raise QueryError(
            "HIVE_BAD_DATA",
            f"Field {column['Name']}'s type {kind} in parquet file is incompatible with type "
            f"{_glue_type(column).sql('trino').lower()} defined in table schema",
        )
    value = f"files.{identifier(name)}"
    if wanted == "TIMESTAMP":  # the precision of Athena's timestamps
        value = f"in_milliseconds({value})"
    return f"CAST({value} AS {wanted}) AS {_name(column)}"


def _compatible(wanted: str, stored: str) -> bool:
    plain = wanted.partition("(")[0]
    if plain == "VARCHAR" or wanted.endswith("]") or plain in ("STRUCT", "MAP", "DECIMAL"):
        return plain == stored.partition("(")[0] or stored in WIDENING.get(plain, ()) or wanted.endswith("]")
    return wanted == stored or stored in WIDENING.get(wanted, ())
