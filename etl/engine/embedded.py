"""The embedded engine: runs the SQL files in DuckDB, on local Parquet files, in this process."""

# Identifiers and types come from etl.lake.tables, file names are quoted, values are bound.
# ruff: noqa: S608

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import duckdb

from etl.engine.errors import EngineError, SchemaError
from etl.engine.translate import MACROS, duckdb_sql
from etl.lake.tables import USER_BUCKET, Column, Table

_TYPES = {
    "string": "VARCHAR",
    "bigint": "BIGINT",
    "int": "INTEGER",
    "double": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
}
# What a whole file can meet, too, on a machine in trouble.
_NOT_THE_FILES = (
    duckdb.OutOfMemoryException,
    duckdb.InterruptException,
    duckdb.InternalException,
    duckdb.FatalException,
)
# Different for every row of one read; copies of a row are told apart by it, nothing else depends on it.
_ROW_ID = "CAST(file_index AS BIGINT) * 1099511627776 + file_row_number"
_BUCKET_OF_PATH = "regexp_extract(filename, 'user_bucket=([^/]+)', 1)"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _files(paths: Iterable[Path]) -> str:
    return "[" + ", ".join(_quoted(str(path)) for path in paths) + "]"


def _since(first_day: str) -> str:
    day = "regexp_extract(source_file, 'year=([0-9]+)/month=([0-9]+)/day=([0-9]+)', ['y', 'm', 'd'])"
    return f"concat_ws('-', {day}.y, {day}.m, {day}.d) >= {_quoted(first_day)}"


def _null(column: Column) -> str:
    return f"CAST(NULL AS {_TYPES[column[1]]}) AS {column[0]}"


class Engine:
    """A DuckDB session with Spark's conventions: UTC, microseconds, named relations.

    Parameters
    ----------
    spill
        Folder for what does not fit in memory.
    memory_limit
        Such as `"1GB"`; DuckDB's own limit where None.
    threads
        DuckDB's own choice where None.
    """

    def __init__(self, spill: Path, memory_limit: str | None = None, threads: int | None = None) -> None:
        config: dict[str, Any] = {"temp_directory": str(spill), "autoinstall_known_extensions": False}
        if memory_limit:
            config["memory_limit"] = memory_limit
        if threads:
            config["threads"] = threads
        self.connection = duckdb.connect(":memory:", config=config)
        self.connection.execute("SET TimeZone = 'UTC'")
        for macro in MACROS:
            self.connection.execute(macro)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()

    def read_bronze(
        self, table: Table, files: Sequence[Path], root: Path, unreadable: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Make Bronze files readable as the relation `bronze`.

        Parameters
        ----------
        table
            Whose columns; those a file lacks are null, those it has besides are left alone.
        files
            Local copies of the files, each under `root` by its key.
        root
            Folder that is cut off to name a row's `source_file`.
        unreadable
            `(user bucket, key)` of files that stand in `bronze` as a row that says so.

        Raises
        ------
        EngineError
            When a file turns out not to be Parquet; see `unreadable`.
        """
        columns = ", ".join(self._present(table.columns, files))
        source = f"substring(filename, {len(str(root)) + 2})"
        readable = (
            f"{columns}, {_BUCKET_OF_PATH} AS user_bucket, {source} AS source_file, {_ROW_ID} AS row_id"
        )
        relations = [f"SELECT {readable}, CAST(NULL AS VARCHAR) AS file_error FROM {self._source(files)}"]
        lost = "SELECT {} AS user_bucket, {} AS source_file, -{} AS row_id, 'unreadable_file' AS file_error"
        relations += [
            lost.format(_quoted(bucket), _quoted(key), number)
            for number, (bucket, key) in enumerate(unreadable, start=1)
        ]
        self._execute(f"CREATE OR REPLACE TEMP VIEW bronze AS {' UNION ALL BY NAME '.join(relations)}")

    def unreadable(self, files: Iterable[Path]) -> list[Path]:
        """The files among `files` that are not readable Parquet, found by reading each to its end.

        Raises
        ------
        EngineError
            Where it was not the file's fault: no memory, no more open files. A good file, called broken, would be
            left out for good.
        """
        bad = []
        for path in files:
            try:
                self.connection.execute(f"SELECT hash(COLUMNS(*)) FROM {self._source([path])}").fetchall()
            except _NOT_THE_FILES as error:
                raise EngineError(str(error)) from error
            except duckdb.Error:
                path.open("rb").close()
                bad.append(path)
        return bad

    def owned(
        self, paths: Sequence[Path], user_id: str, *, naming: bool = False
    ) -> dict[Path, tuple[int, int]]:
        """Of files of one table, those with rows of a user: how many rows are the user's, how many others name them.

        A row is named that holds the user's id anywhere in a text. `naming`: such a row is the user's too.

        Raises
        ------
        EngineError
            When a file is not readable Parquet.
        """
        if not paths:
            return {}
        own, named = self._belongs(paths, user_id, naming), self._names(paths, user_id)
        counts = (
            f"count(*) FILTER (WHERE {own}) AS own, count(*) FILTER (WHERE NOT {own} AND {named}) AS named"
        )
        query = f"SELECT filename, {counts} FROM {self._source(paths)} GROUP BY filename"
        rows = self._execute(f"SELECT * FROM ({query}) WHERE own + named > 0").fetchall()
        return {Path(name): (int(mine), int(others)) for name, mine, others in rows}

    def without(self, path: Path, kept: Path, user_id: str, *, naming: bool = False) -> int:
        """Write the rows of a lake file that do not belong to a user, as of `owned`, as another file; how many."""
        where = f"NOT {self._belongs([path], user_id, naming)}"
        names = ", ".join(_name(name) for name in self._columns([path]))
        query = f"SELECT {names} FROM {self._source([path])} WHERE {where}"
        self._copy(query, kept)
        return int(self.value(f"SELECT count(*) FROM ({query})"))

    def merge(self, paths: Sequence[Path], merged: Path) -> int:
        """Write the rows of lake files, with all columns that any of them has, as one file; how many there are.

        Raises
        ------
        EngineError
            When a file is not readable Parquet, or rows would be lost.
        """
        source = f"read_parquet({_files(paths)}, union_by_name=true, hive_partitioning=false)"
        self._copy(f"SELECT * FROM {source}", merged)
        before, after = (
            int(self._execute(f"SELECT count(*) FROM {table}").fetchone()[0])
            for table in (source, f"read_parquet({_files([merged])}, hive_partitioning=false)")
        )
        if before != after:
            raise EngineError(f"{before} rows became {after}")
        return after

    def holding_before(self, paths: Sequence[Path], first_day: str) -> set[Path]:
        """Of quarantine files, those with rows whose source lies under a day before `first_day` (ISO)."""
        query = f"SELECT DISTINCT filename FROM {self._source(paths)} WHERE NOT coalesce({_since(first_day)}, false)"
        return {Path(name) for (name,) in self._execute(query).fetchall()}

    def since(self, paths: Sequence[Path], kept: Path, first_day: str) -> int:
        """Write the rows of quarantine files whose source lies under `first_day` (ISO) or later; how many there are."""
        source = f"read_parquet({_files(paths)}, union_by_name=true, hive_partitioning=false)"
        self._copy(f"SELECT * FROM {source} WHERE {_since(first_day)}", kept)
        return int(self.value(f"SELECT count(*) FROM read_parquet({_files([kept])})"))

    def removals(self, files: Sequence[Path], since: str) -> list[tuple[str, str]]:
        """Keys of the items that Bronze files say were removed from `since` (ISO 8601 UTC) on."""
        where = f"event_name = 'REMOVE' AND event_time >= {_quoted(since)}"
        query = f"SELECT pk, sk FROM {self._source(files)} WHERE {where}"
        return self._execute(query).fetchall() if files else []

    def _names(self, paths: Sequence[Path], user_id: str) -> str:
        texts = [name for name, kind in self._columns(paths).items() if kind == "VARCHAR"]
        named = " OR ".join(f"contains({_name(name)}, {_quoted(user_id)})" for name in texts)
        return f"coalesce({named or 'false'}, false)"

    def _belongs(self, paths: Sequence[Path], user_id: str, naming: bool = False) -> str:
        if naming:
            return self._names(paths, user_id)
        columns, text = self._columns(paths), _quoted(user_id)
        own = [f"user_id = {text}"] if "user_id" in columns else []
        if "pk" in columns:
            own.append(f"substr(pk, strpos(pk, '#') + 1) = {text}")
        return f"coalesce({' OR '.join(own) or 'false'}, false)"

    def _columns(self, paths: Sequence[Path]) -> dict[str, str]:
        """Names and types of the columns that files have."""
        source = f"read_parquet({_files(paths)}, union_by_name=true, hive_partitioning=false)"
        return {row[0]: row[1] for row in self._execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}

    def read(self, name: str, table: Table, files: Sequence[Path]) -> None:
        """Make lake files readable as the relation `name`, with `user_bucket` where the table is partitioned."""
        columns = self._present(table.columns, files)
        if USER_BUCKET in table.partitions:
            columns.append(
                f"{_BUCKET_OF_PATH} AS user_bucket" if files else "CAST(NULL AS VARCHAR) AS user_bucket"
            )
        source = f"FROM {self._source(files)}" if files else "WHERE false"
        self.connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT {', '.join(columns)} {source}")

    def _source(self, files: Sequence[Path]) -> str:
        if not files:
            return "(SELECT '' AS filename, 0 AS file_index, 0 AS file_row_number WHERE false)"
        options = "union_by_name=true, filename=true, file_row_number=true, hive_partitioning=false"
        return f"read_parquet({_files(files)}, {options})"

    def _present(self, columns: Sequence[Column], files: Sequence[Path]) -> list[str]:
        """Select items for `columns`: cast to their type where some file has them, null where none does."""
        if not files:
            return [_null(column) for column in columns]
        described = self._execute(f"DESCRIBE SELECT * FROM {self._source(files)}").fetchall()
        held = {row[0].lower() for row in described}
        return [
            f"CAST({name} AS {_TYPES[hive_type]}) AS {name}" if name in held else _null((name, hive_type))
            for name, hive_type in columns
        ]

    def run(self, name: str, sql: str, parameters: Mapping[str, str]) -> None:
        """Run one Spark SQL file's text and keep its result as the relation `name`."""
        statement = duckdb_sql(sql, tuple(sorted(parameters.items())))
        self._execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {statement}")

    def _execute(self, statement: str) -> Any:
        try:
            return self.connection.execute(statement)
        except duckdb.Error as error:
            raise EngineError(str(error)) from error

    def check(self, table: Table) -> None:
        """Compare a result's columns with what the table promises.

        Raises
        ------
        SchemaError
            When a name or type differs.
        """
        wanted = {name: _TYPES[hive_type] for name, hive_type in (*table.columns, *table.partitions)}
        found = {row[0]: row[1] for row in self.connection.execute(f"DESCRIBE {table.name}").fetchall()}
        if found != wanted:
            wrong = sorted(set(found.items()) ^ set(wanted.items()))
            raise SchemaError(f"{table.name}: {wrong}")

    def write(self, table: Table, path: Path) -> int:
        """Write the relation of an unpartitioned table to one Snappy Parquet file; returns its rows."""
        self.check(table)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._copy(f"SELECT {', '.join(table.names)} FROM {table.name}", path)
        return self.count(table.name)

    def write_buckets(self, table: Table, folder: Path) -> dict[str, int]:
        """Write the relation of a partitioned table as `folder/user_bucket=NN/part-0.parquet`; rows by bucket."""
        self.check(table)
        counted = f"SELECT user_bucket, count(*) FROM {table.name} GROUP BY user_bucket ORDER BY user_bucket"
        rows = dict(self.connection.execute(counted).fetchall())
        # One plain file at a time: DuckDB's own partitioned writing takes more than twice as long.
        for bucket in rows:
            path = folder / f"user_bucket={bucket}" / "part-0.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            where = f"user_bucket = {_quoted(bucket)}"
            self._copy(f"SELECT {', '.join(table.names)} FROM {table.name} WHERE {where}", path)
        return rows

    def _copy(self, query: str, path: Path) -> None:
        # From statistics DuckDB would declare a column without nulls as required: a schema that changes with the data.
        self._execute("SET disabled_optimizers = 'statistics_propagation'")
        self._execute(f"COPY ({query}) TO {_quoted(str(path))} (FORMAT parquet, COMPRESSION snappy)")
        self._execute("RESET disabled_optimizers")

    def rows(self, name: str, columns: str, at_a_time: int = 1000) -> Iterator[tuple[Any, ...]]:
        """Rows of a relation, some at a time; nothing else may run until the last has been taken."""
        cursor = self._execute(f"SELECT {columns} FROM {name}")
        while chunk := cursor.fetchmany(at_a_time):
            yield from chunk

    def count(self, name: str) -> int:
        """Rows of a relation."""
        return int(self.value(f"SELECT count(*) FROM {name}"))

    def latest(self, name: str, column: str) -> str:
        """Latest value of a timestamp column as ISO 8601 UTC text; empty where there is none."""
        found = self.value(
            f"SELECT strftime(max({column}) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') FROM {name}"
        )
        return str(found or "")

    def value(self, query: str) -> Any:
        """First value of a DuckDB query."""
        row = self.connection.execute(query).fetchone()
        return None if row is None else row[0]
