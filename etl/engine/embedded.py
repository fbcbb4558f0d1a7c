"""The embedded engine: runs the SQL files in DuckDB in this process, on local Parquet files."""

# Identifiers and types come from etl.lake.tables, file names are quoted, values are bound.
# ruff: noqa: S608

import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import duckdb

from etl.engine.errors import EngineError, SchemaError, why_unreadable
from etl.engine.translate import MACROS, duckdb_sql
from etl.engine.written import Written
from etl.lake.config import LakeConfig
from etl.lake.erased import Erased
from etl.lake.manifest import ANY_DAY
from etl.lake.tables import USER_BUCKET, Column, Table

_TYPES = {
    "string": "VARCHAR",
    "bigint": "BIGINT",
    "int": "INTEGER",
    "double": "DOUBLE",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
}
# Errors of a machine in trouble, which a good file can meet as well.
_MACHINE_ERRORS = (
    duckdb.OutOfMemoryException,
    duckdb.InterruptException,
    duckdb.InternalException,
    duckdb.FatalException,
)
NOBODY = Erased()
# Unique for each row of one read. It only tells copies of a row apart.
_ROW_ID = "CAST(file_index AS BIGINT) * 1099511627776 + file_row_number"
_BUCKET_OF_PATH = "regexp_extract(filename, 'user_bucket=([^/]+)', 1)"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _files(paths: Iterable[Path]) -> str:
    return "[" + ", ".join(_quoted(str(path)) for path in paths) + "]"


def _rows_of(paths: Iterable[Path]) -> str:
    """All columns of files; a column that a file lacks is null in its rows."""
    return f"read_parquet({_files(paths)}, union_by_name=true, hive_partitioning=false)"


def is_one_of(expression: str, texts: Iterable[str]) -> str:
    """SQL condition for the rows in which an expression is one of some texts."""
    return f"coalesce({expression} IN ({', '.join(map(_quoted, texts))}), false)"


def _null(column: Column) -> str:
    return f"CAST(NULL AS {_TYPES[column[1]]}) AS {column[0]}"


@contextmanager
def scratch_engine(config: LakeConfig, folder: Path | None = None) -> Iterator[tuple["Engine", Path]]:
    """An engine, and the temporary folder that it spills into; both are gone at the end.

    Parameters
    ----------
    config
        Memory and threads, and the folder for temporary ones.
    folder
        Where to make the temporary folder instead.
    """
    with tempfile.TemporaryDirectory(prefix="lake-", dir=folder or config.work_dir) as name:
        scratch = Path(name)
        with Engine(scratch / "spill", config.memory_limit, config.threads) as engine:
            yield engine, scratch


class Engine:
    """A DuckDB session with the conventions of Spark: UTC, microseconds, named relations.

    Parameters
    ----------
    spill
        Folder for data that does not fit into memory.
    memory_limit
        Such as `"1GB"`; DuckDB's own limit if None.
    threads
        DuckDB's own choice if None.
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
        self,
        table: Table,
        files: Sequence[Path],
        root: Path,
        unreadable: Iterable[tuple[str, str, str]] = (),
        erased: Erased = NOBODY,
    ) -> None:
        """Make Bronze files readable as the relation `bronze`.

        Parameters
        ----------
        table
            Its columns are read: those that a file lacks are null, others in a file are ignored.
        files
            Local copies of the files, each under `root` by its key.
        root
            Folder that is cut off a path to make a row's `source_file`.
        unreadable
            `(user bucket, key, error)` of unreadable files; each becomes a row that says so.
        erased
            People whose rows are left out.

        Raises
        ------
        EngineError
            If a file is not Parquet; see `unreadable`.
        """
        columns = ", ".join(self._present(table.columns, files))
        source = f"substring(filename, {len(str(root)) + 2})"
        readable = (
            f"{columns}, {_BUCKET_OF_PATH} AS user_bucket, {source} AS source_file, {_ROW_ID} AS row_id"
        )
        readable += ", CAST(NULL AS VARCHAR) AS file_error"
        relations = [f"SELECT {readable} FROM {self._source(files)}{self._of_others(erased)}"]
        relations += [
            f"SELECT {_quoted(bucket)} AS user_bucket, {_quoted(key)} AS source_file, -{number} AS row_id, "
            f"{_quoted(error)} AS file_error"
            for number, (bucket, key, error) in enumerate(unreadable, start=1)
        ]
        self._execute(f"CREATE OR REPLACE TEMP VIEW bronze AS {' UNION ALL BY NAME '.join(relations)}")

    def _of_others(self, erased: Erased) -> str:
        """SQL condition for the rows of Bronze that belong to none of the erased, as a WHERE clause."""
        if not erased.digests:
            return ""
        self.connection.execute(
            "CREATE OR REPLACE TEMP TABLE erased AS SELECT unnest(?) AS digest", [list(erased.digests)]
        )
        of_key = "substr(pk, strpos(pk, '#') + 1)"
        digests = [f"coalesce(sha256({_quoted(erased.salt)} || {text}), '')" for text in ("user_id", of_key)]
        return " WHERE " + " AND ".join(f"{digest} NOT IN (FROM erased)" for digest in digests)

    def unreadable(self, files: Iterable[Path]) -> dict[Path, str]:
        """The files that are not readable Parquet, and why; found by reading each to its end.

        Raises
        ------
        EngineError
            If the machine is at fault: no memory, no more open files. A good file, taken for broken, would count as
            consumed.
        """
        bad = {}
        for path in files:
            try:
                self.connection.execute(f"SELECT hash(COLUMNS(*)) FROM {self._source([path])}").fetchall()
            except _MACHINE_ERRORS as error:
                raise EngineError(str(error)) from error
            except duckdb.Error as error:
                path.open("rb").close()
                bad[path] = why_unreadable(str(error).replace(str(path), path.name))
        return bad

    def own_rows(self, paths: Sequence[Path], user_id: str, *, naming: bool = False) -> str:
        """SQL condition for the rows of files that are a user's own; `naming`: and those that name the user."""
        if naming:
            return self._names(paths, user_id)
        columns, text = self._columns(paths), _quoted(user_id)
        own = [f"user_id = {text}"] if "user_id" in columns else []
        if "pk" in columns:
            own.append(f"substr(pk, strpos(pk, '#') + 1) = {text}")
        return f"coalesce({' OR '.join(own) or 'false'}, false)"

    def owned(
        self, paths: Sequence[Path], user_id: str, *, naming: bool = False
    ) -> dict[Path, tuple[int, int]]:
        """Files of one table with rows of a user: how many rows are the user's own, and how many others name the user.

        A row names a user if one of its texts contains the id. `naming`: such rows count as the user's own.

        Raises
        ------
        EngineError
            If a file is not readable Parquet.
        """
        if not paths:
            return {}
        own, named = self.own_rows(paths, user_id, naming=naming), self._names(paths, user_id)
        counts = (
            f"count(*) FILTER (WHERE {own}) AS own, count(*) FILTER (WHERE NOT {own} AND {named}) AS named"
        )
        query = f"SELECT filename, {counts} FROM {self._source(paths)} GROUP BY filename"
        rows = self._execute(f"SELECT * FROM ({query}) WHERE own + named > 0").fetchall()
        return {Path(name): (int(mine), int(others)) for name, mine, others in rows}

    def arrived_before(self, paths: Sequence[Path], first_day: str) -> str:
        """SQL condition for the rows of quarantine that arrived before a day (ISO); not those that do not say when."""
        known = "arrived_on" in self._columns(paths)
        return f"coalesce(arrived_on < {_quoted(first_day)}, false)" if known else "false"

    def dismissed(self, paths: Sequence[Path]) -> int:
        """How many rows in files of quarantine are dismissed."""
        known = paths and "dismissed_at" in self._columns(paths)
        return int(self.value(f"SELECT count(dismissed_at) FROM {_rows_of(paths)}")) if known else 0

    def dismissed_by(self, paths: Sequence[Path], names: Iterable[str]) -> str:
        """SQL condition for the rows in files of quarantine that one of these people has dismissed."""
        return is_one_of("dismissed_by", names) if "dismissed_by" in self._columns(paths) else "false"

    def mark(
        self,
        paths: Sequence[Path],
        marked: Path,
        table: Table,
        condition: str,
        values: Mapping[str, str | None],
    ) -> int:
        """Write the rows of files as one file, with other texts in those that meet a condition; return their number."""
        self.read("unmarked", table, paths)
        texts = {name: "NULL" if text is None else _quoted(text) for name, text in values.items()}
        columns = (
            f"CASE WHEN {condition} THEN {texts[name]} ELSE {name} END AS {name}" if name in texts else name
            for name in table.names
        )
        self._copy(f"SELECT {', '.join(columns)} FROM unmarked", marked)
        return self.count("unmarked")

    def has_rows(self, paths: Sequence[Path], condition: str) -> bool:
        """Whether any row of files meets an SQL condition."""
        return bool(self.value(f"SELECT EXISTS (FROM {_rows_of(paths)} WHERE {condition})"))

    def without(self, paths: Sequence[Path], kept: Path, condition: str) -> int:
        """Write the rows of files that do not meet an SQL condition as one file; return their number."""
        self._copy(f"SELECT * FROM {_rows_of(paths)} WHERE NOT {condition}", kept)
        return int(self.value(f"SELECT count(*) FROM {_rows_of([kept])}"))

    def merge(self, paths: Sequence[Path], merged: Path) -> int:
        """Merge files into one, with all columns that any of them has; return the number of rows.

        Raises
        ------
        EngineError
            If a file is not readable Parquet, or if rows would be lost.
        """
        source = _rows_of(paths)
        self._copy(f"SELECT * FROM {source}", merged)
        before, after = (
            int(self._execute(f"SELECT count(*) FROM {table}").fetchone()[0])
            for table in (source, _rows_of([merged]))
        )
        if before != after:
            raise EngineError(f"{before} rows became {after}")
        return after

    def removals(self, files: Sequence[Path], since: str) -> list[tuple[str, str]]:
        """Keys of the items whose removal from `since` (ISO 8601 UTC) on is in Bronze files."""
        where = f"event_name = 'REMOVE' AND event_time >= {_quoted(since)}"
        query = f"SELECT pk, sk FROM {self._source(files)} WHERE {where}"
        return self._execute(query).fetchall() if files else []

    def _names(self, paths: Sequence[Path], user_id: str) -> str:
        texts = [name for name, kind in self._columns(paths).items() if kind == "VARCHAR"]
        named = " OR ".join(f"contains({_name(name)}, {_quoted(user_id)})" for name in texts)
        return f"coalesce({named or 'false'}, false)"

    def _columns(self, paths: Sequence[Path]) -> dict[str, str]:
        """Names and types of the columns in files."""
        source = _rows_of(paths)
        return {row[0]: row[1] for row in self._execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}

    def read(self, name: str, table: Table, files: Sequence[Path]) -> None:
        """Make lake files readable as the relation `name`; with `user_bucket` if the table is partitioned."""
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
        """Select items for `columns`: cast to the column's type, or null if no file has the column."""
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

    def detach(self, name: str) -> None:
        """Forget how a relation was made. Here every result is a table, which never knew."""

    def _execute(self, statement: str) -> Any:
        try:
            return self.connection.execute(statement)
        except duckdb.Error as error:
            raise EngineError(str(error)) from error

    def check(self, table: Table) -> None:
        """Compare the columns of a result with those of its table.

        Raises
        ------
        SchemaError
            If a name or type differs.
        """
        wanted = {name: _TYPES[hive_type] for name, hive_type in (*table.columns, *table.partitions)}
        found = {row[0]: row[1] for row in self.connection.execute(f"DESCRIBE {table.name}").fetchall()}
        if found != wanted:
            wrong = sorted(set(found.items()) ^ set(wanted.items()))
            raise SchemaError(f"{table.name}: {wrong}")

    def write(self, table: Table, path: Path) -> int:
        """Write an unpartitioned table's relation to one Snappy Parquet file; return the number of rows."""
        self.check(table)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._copy(f"SELECT {', '.join(table.names)} FROM {table.name}", path)
        return self.count(table.name)

    def write_buckets(self, table: Table, folder: Path) -> list[Written]:
        """Write a partitioned table's relation: a file for each user bucket, and for each month if it is dated."""
        self.check(table)
        day = f"strftime({table.dated} AT TIME ZONE 'UTC', '%Y-%m-%d')" if table.dated else "NULL"
        counted = (
            f"SELECT user_bucket, coalesce(substr({day}, 1, 7), '') AS month, count(*), min({day}), max({day}) "
            f"FROM {table.name} GROUP BY ALL ORDER BY ALL"
        )
        written = []
        # One file at a time: DuckDB's own partitioned writing takes more than twice as long.
        for bucket, month, rows, first, last in self._execute(counted).fetchall():
            where = f"user_bucket = {_quoted(bucket)}"
            name = "part-0.parquet"
            if month:
                name = f"month={month}/{name}"
                where += f" AND substr({day}, 1, 7) = {_quoted(month)}"
            path = folder / f"user_bucket={bucket}" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._copy(f"SELECT {', '.join(table.names)} FROM {table.name} WHERE {where}", path)
            written.append(Written(bucket, month, rows, *((first, last) if month else ANY_DAY)))
        return written

    def _copy(self, query: str, path: Path) -> None:
        # DuckDB's statistics would make a column without nulls required, so the schema would depend on the data.
        self._execute("SET disabled_optimizers = 'statistics_propagation'")
        self._execute(f"COPY ({query}) TO {_quoted(str(path))} (FORMAT parquet, COMPRESSION snappy)")
        self._execute("RESET disabled_optimizers")

    def rows(self, name: str, columns: str, at_a_time: int = 1000) -> Iterator[tuple[Any, ...]]:
        """Rows of a relation, fetched some at a time; run nothing else before the last row is fetched."""
        cursor = self._execute(f"SELECT {columns} FROM {name}")
        while chunk := cursor.fetchmany(at_a_time):
            yield from chunk

    def count(self, name: str) -> int:
        """Number of rows of a relation."""
        return int(self.value(f"SELECT count(*) FROM {name}"))

    def latest(self, name: str, column: str) -> str:
        """Latest value of a timestamp column as ISO 8601 UTC text; empty if there is none."""
        found = self.value(
            f"SELECT strftime(max({column}) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') FROM {name}"
        )
        return str(found or "")

    def value(self, query: str) -> Any:
        """First value of a DuckDB query."""
        row = self.connection.execute(query).fetchone()
        return None if row is None else row[0]
