"""Athena over the Glue catalog: tables, partitions, results, errors."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyathena
import pytest
from pyathena.error import Error

from localcloud.server import LocalAws
from tests.localcloud.conftest import ClientOf
from tests.localcloud.lake import finished, make_lake, parquet, table_input

Query = Callable[..., Any]
TASKS = {
    "id": "string", "title": "string", "version": "int", "seconds": "bigint", "hours": "double", "rate": "decimal(5,2)",
    "due": "date", "at": "timestamp", "done": "boolean", "tags": "array<string>",
}  # fmt: skip


@pytest.fixture
def lake(shared: ClientOf, name: str) -> str:
    return make_lake(shared, name)


@pytest.fixture
def cursor(shared_aws: LocalAws, lake: str, name: str) -> Any:
    connection = pyathena.connect(
        work_group=name,
        schema_name=lake,
        endpoint_url=shared_aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        poll_interval=0.02,
    )
    return connection.cursor()


@pytest.fixture
def query(cursor: Any) -> Query:
    """`query(sql)` is the list of rows as PyAthena gives them."""
    return lambda sql, parameters=None: cursor.execute(sql, parameters, paramstyle="qmark").fetchall()


@pytest.fixture
def make(shared: ClientOf, lake: str, name: str) -> Callable[..., None]:
    """`make(table_input, {key: bytes})` creates a table and its objects."""

    def create(definition: dict[str, Any], objects: dict[str, bytes]) -> None:
        shared("glue").create_table(DatabaseName=lake, TableInput=definition)
        for key, content in objects.items():
            shared("s3").put_object(Bucket=name, Key=key, Body=content)

    return create


@pytest.fixture
def tasks(make: Callable[..., None], name: str) -> None:
    moment = dt.datetime.fromisoformat("2026-01-02T03:04:05.678912")
    content = parquet(
        id=["a", "b"],
        title=['say "hi", you', None],
        version=pa.array([1, 2], pa.int32()),
        seconds=[2**53 + 1, 7],
        hours=[0.1, 1.5e10],
        rate=pa.array([Decimal("99.50"), None], pa.decimal128(5, 2)),
        due=[dt.date(2026, 2, 28), None],
        at=pa.array([moment, None], pa.timestamp("us")),
        done=[True, False],
        tags=[["x", "y"], []],
    )
    make(table_input("tasks", f"s3://{name}/gold/tasks/", TASKS), {"gold/tasks/part-0.parquet": content})


def test_a_query_returns_every_column_type(tasks: None, query: Query, cursor: Any) -> None:
    rows = query("SELECT * FROM tasks ORDER BY id")
    at = dt.datetime.fromisoformat("2026-01-02T03:04:05.679")
    assert rows == [
        (
            "a",
            'say "hi", you',
            1,
            2**53 + 1,
            0.1,
            Decimal("99.50"),
            dt.date(2026, 2, 28),
            at,
            True,
            ["x", "y"],
        ),
        ("b", None, 2, 7, 1.5e10, None, None, None, False, []),
    ]
    assert [column[:2] for column in cursor.description] == [
        ("id", "varchar"), ("title", "varchar"), ("version", "integer"), ("seconds", "bigint"), ("hours", "double"),
        ("rate", "decimal"), ("due", "date"), ("at", "timestamp"), ("done", "boolean"), ("tags", "array"),
    ]  # fmt: skip
    assert [column[4:6] for column in cursor.description][5] == (5, 2)
    assert cursor.data_scanned_in_bytes > 0


def test_the_result_file_is_where_the_execution_says(
    tasks: None, cursor: Any, shared: ClientOf, name: str
) -> None:
    cursor.execute("SELECT id, title, count(*) FROM tasks GROUP BY 1, 2 ORDER BY 1")
    assert cursor.output_location == f"s3://{name}/athena-results/{cursor.query_id}.csv"
    key = cursor.output_location.removeprefix(f"s3://{name}/")
    content = shared("s3").get_object(Bucket=name, Key=key)["Body"].read().decode()
    assert content == '"id","title","_col2"\n"a","say ""hi"", you","1"\n"b",,"1"\n'


def test_results_come_in_pages(query: Query, cursor: Any, shared: ClientOf) -> None:
    rows = query("SELECT n FROM UNNEST(sequence(1, 2500)) AS t(n) ORDER BY n")
    assert rows == [(number,) for number in range(1, 2501)]
    first = shared("athena").get_query_results(QueryExecutionId=cursor.query_id, MaxResults=2)
    assert [row["Data"][0]["VarCharValue"] for row in first["ResultSet"]["Rows"]] == ["n", "1"]


def test_parameters(tasks: None, query: Query) -> None:
    assert query("SELECT id FROM tasks WHERE title = ? AND version < ?", ["'say \"hi\", you'", "5"]) == [
        ("a",)
    ]
    assert query("SELECT '?', ? -- ?", ["'o''clock'"]) == [("?", "o'clock")]
    with pytest.raises(Error, match="Incorrect number of parameters: expected 1 but found 2"):
        query("SELECT ?", ["1", "2"])


PROJECTED = {
    "projection.enabled": "true",
    "projection.year.type": "integer",
    "projection.year.range": "2020,2100",
    "projection.bucket.type": "integer",
    "projection.bucket.range": "0,15",
    "projection.bucket.digits": "2",
}


def test_partition_projection(make: Callable[..., None], query: Query, cursor: Any, name: str) -> None:
    location = f"s3://{name}/cdc/"
    template = {"storage.location.template": f"{location}year=${{year}}/bucket=${{bucket}}"}
    keys = {"year": "string", "bucket": "string"}
    table = table_input("cdc", location, {"id": "string", "new": "bigint"}, keys, **PROJECTED, **template)
    make(
        table,
        {
            "cdc/year=2025/bucket=01/2026/01/02/03/a.parquet": parquet(id=["a"]),
            "cdc/year=2026/bucket=01/b.parquet": parquet(id=["b"], new=[5], unknown=["ignored"]),
            "cdc/year=2026/bucket=02/c.parquet": parquet(id=["c"], new=[6]),
            "cdc/_temporary/year=2026/bucket=02/x.parquet": b"no parquet",
            "cdc-errors/x": b"no parquet",
        },
    )
    assert query("SELECT id, new, year, bucket FROM cdc ORDER BY id") == [
        ("a", None, "2025", "01"), ("b", 5, "2026", "01"), ("c", 6, "2026", "02"),
    ]  # fmt: skip
    everything = cursor.data_scanned_in_bytes
    assert query("SELECT id FROM cdc c WHERE c.year = '2026' AND bucket IN ('02', '03')") == [("c",)]
    assert 0 < cursor.data_scanned_in_bytes < everything
    for first, rows in (("2025", 3), ("2026", 2), ("2027", 0)):
        assert query(f"SELECT count(*) FROM cdc WHERE year >= '{first}'") == [(rows,)]
    (row,) = query("SELECT \"$path\" FROM cdc WHERE id = 'b'")
    assert row == (f"s3://{name}/cdc/year=2026/bucket=01/b.parquet",)


def test_registered_partitions_have_their_own_locations(
    make: Callable[..., None], query: Query, shared: ClientOf, lake: str, name: str
) -> None:
    table = table_input("silver", f"s3://{name}/silver/", {"id": "string"}, {"bucket": "int"})
    files = {
        "silver/run-2/bucket=1/a.parquet": parquet(id=["new"]),
        "silver/run-1/bucket=1/a.parquet": parquet(id=["old"]),
        "elsewhere/b.parquet": parquet(id=["other"]),
    }
    make(table, files)
    places = {
        "1": f"s3://{name}/silver/run-2/bucket=1/",
        "2": f"s3://{name}/elsewhere",
        "3": f"s3://{name}/none/",
    }
    partitions = [
        {"Values": [value], "StorageDescriptor": {**table["StorageDescriptor"], "Location": place}}
        for value, place in places.items()
    ]
    shared("glue").batch_create_partition(
        DatabaseName=lake, TableName="silver", PartitionInputList=partitions
    )
    assert query("SELECT id, bucket FROM silver ORDER BY bucket") == [("new", 1), ("other", 2)]
    assert query("SELECT id FROM silver WHERE bucket > 1") == [("other",)]


SYMLINKS = "org.apache.hadoop.hive.ql.io.SymlinkTextInputFormat"


def test_a_partition_may_list_its_files(
    make: Callable[..., None], query: Query, shared: ClientOf, lake: str, name: str
) -> None:
    """As S3's inventories do: the location holds text, each line the address of a file."""
    table = table_input("silver", f"s3://{name}/silver/", {"id": "string"}, {"bucket": "int"})
    files = {f"silver/data/{letter}.parquet": parquet(id=[letter]) for letter in "abc"}
    lists = {
        "silver/lists/1/files.txt": "\n".join(f"s3://{name}/silver/data/{letter}.parquet" for letter in "ab"),
        "silver/lists/2/files.txt": f"s3://{name}/silver/data/missing.parquet\n",
    }
    make(table, files | {key: text.encode() for key, text in lists.items()})
    storage = {**table["StorageDescriptor"], "InputFormat": SYMLINKS}
    shared("glue").batch_create_partition(
        DatabaseName=lake,
        TableName="silver",
        PartitionInputList=[
            {
                "Values": [value],
                "StorageDescriptor": {**storage, "Location": f"s3://{name}/silver/lists/{value}/"},
            }
            for value in ("1", "2", "3")
        ],
    )
    assert query("SELECT id, bucket FROM silver WHERE bucket <> 2 ORDER BY id") == [("a", 1), ("b", 1)]
    with pytest.raises(Error, match="HIVE_CANNOT_OPEN_SPLIT"):
        query("SELECT id FROM silver")


def view(name: str, sql: str, columns: dict[str, str], schema: str) -> dict[str, Any]:
    said = [{"name": column, "type": kind} for column, kind in columns.items()]
    text = {"originalSql": sql, "catalog": "awsdatacatalog", "schema": schema, "columns": said}
    encoded = base64.b64encode(json.dumps(text).encode()).decode()
    held = [
        {"Name": column, "Type": "string" if kind == "varchar" else kind} for column, kind in columns.items()
    ]
    return {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "StorageDescriptor": {"Columns": held, "Location": ""},
        "ViewOriginalText": f"/* Presto View: {encoded} */",
        "ViewExpandedText": "/* Presto View */",
    }


def test_a_view_is_its_query(make: Callable[..., None], query: Query, lake: str, name: str) -> None:
    rows = parquet(id=["a", "a", "b"], version=pa.array([1, 2, 1], pa.int32()))
    make(
        table_input("states", f"s3://{name}/states/", {"id": "string", "version": "int"}),
        {"states/a.parquet": rows},
    )
    sql = f"SELECT id, max(version) AS version FROM {lake}.states GROUP BY id"
    make(view("latest", sql, {"id": "varchar", "version": "int"}, lake), {})
    make(
        view("stale", sql, {"id": "varchar", "version": "int"}, lake)
        | {"StorageDescriptor": {"Columns": []}},
        {},
    )
    assert query("SELECT * FROM latest ORDER BY id") == [("a", 2), ("b", 1)]
    assert query("SELECT latest.version FROM latest WHERE id = 'a'") == [(2,)]
    joined = "SELECT s.id, l.version FROM states s JOIN latest AS l ON l.id = s.id AND l.version = s.version"
    assert query(f"{joined} ORDER BY 1") == [("a", 2), ("b", 1)]
    assert query(f"WITH w AS (SELECT id FROM {lake}.latest) SELECT count(*) FROM w") == [(2,)]
    with pytest.raises(Error, match="VIEW_IS_STALE"):
        query("SELECT * FROM stale")


def test_tables_without_files_and_moved_tables(
    make: Callable[..., None], query: Query, shared: ClientOf, lake: str, name: str
) -> None:
    make(table_input("gold", f"s3://{name}/snapshot=0/", TASKS), {"snapshot=1/a.parquet": parquet(id=["a"])})
    assert query("SELECT * FROM gold") == []
    assert query("SELECT count(*), max(at), sum(hours) FROM gold") == [(0, None, None)]
    moved = table_input("gold", f"s3://{name}/snapshot=1/", TASKS)
    shared("glue").update_table(DatabaseName=lake, TableInput=moved)
    assert query("SELECT id, hours FROM gold") == [("a", None)]


def test_a_file_that_does_not_fit_the_table_is_bad_data(
    make: Callable[..., None], query: Query, name: str
) -> None:
    make(table_input("t", f"s3://{name}/t/", {"n": "double"}), {"t/a.parquet": parquet(n=[1, 2])})
    with pytest.raises(Error, match="HIVE_BAD_DATA: Field n's type BIGINT in parquet file is incompatible"):
        query("SELECT n FROM t")


def test_joins_subqueries_and_names(tasks: None, query: Query, lake: str) -> None:
    sql = f"""
        WITH late AS (SELECT id, due FROM {lake}.tasks WHERE due < DATE '2026-03-01')
        SELECT t.ID, tasks.version AS "Version", l.due
        FROM "AwsDataCatalog"."{lake}"."TASKS" t
        JOIN {lake}.tasks ON {lake}.tasks.id = t.id
        LEFT JOIN late l ON l.id = t.id AND t.id IN (SELECT id FROM tasks)
        ORDER BY t.id
    """
    assert query(sql) == [("a", 1, dt.date(2026, 2, 28)), ("b", 2, None)]


@pytest.mark.parametrize(
    ("sql", "reason"),
    [
        ("SELEC 1", "SYNTAX_ERROR: line 1:"),
        ("SELECT nope FROM tasks", "COLUMN_NOT_FOUND"),
        ("SELECT 1 FROM nope", "TABLE_NOT_FOUND: .*Table 'awsdatacatalog.*nope' does not exist"),
        ("SELECT 1 FROM no_schema.tasks", "SCHEMA_NOT_FOUND"),
        ("SELECT strftime(at, '%Y') FROM tasks", "FUNCTION_NOT_FOUND: .*Function 'strftime' not registered"),
        ("SELECT id FROM tasks WHERE due = '2026-01-01'", "TYPE_MISMATCH: .*date = varchar"),
        ("SELECT id FROM tasks WHERE id = 5", "TYPE_MISMATCH: .*varchar = integer"),
        ("SELECT upper(id) AS name, count(*) FROM tasks GROUP BY name", "COLUMN_NOT_FOUND: .*'name'"),
        ("SELECT id, count(*) FROM tasks", "EXPRESSION_NOT_AGGREGATE"),
        ("SELECT 1 / (version - version) FROM tasks", "DIVISION_BY_ZERO"),
        ("SELECT CAST(id AS bigint) FROM tasks", "INVALID_CAST_ARGUMENT: .*'[ab]'"),
        ("DELETE FROM tasks", "NOT_SUPPORTED"),
    ],
)
def test_the_execution_says_why_a_query_failed(
    sql: str, reason: str, tasks: None, shared: ClientOf, lake: str, name: str
) -> None:
    athena = shared("athena")
    started = athena.start_query_execution(
        QueryString=sql, WorkGroup=name, QueryExecutionContext={"Database": lake}
    )
    execution = finished(athena, started["QueryExecutionId"])
    assert execution["Status"]["State"] == "FAILED"
    with pytest.raises(AssertionError, match=reason):
        raise AssertionError(execution["Status"]["StateChangeReason"])
    with pytest.raises(athena.exceptions.InvalidRequestException):
        athena.get_query_results(QueryExecutionId=started["QueryExecutionId"])


def test_a_workgroup_that_does_not_exist(shared: ClientOf) -> None:
    with pytest.raises(Exception, match=r"WorkGroup nope is not found"):
        shared("athena").start_query_execution(QueryString="SELECT 1", WorkGroup="nope")


def test_show_and_describe(tasks: None, query: Query, lake: str) -> None:
    assert query("SHOW TABLES") == [("tasks",)]
    assert (lake,) in query("SHOW DATABASES")
    assert [line.split("\t")[1].strip() for (line,) in query(f"DESCRIBE {lake}.tasks")] == list(
        TASKS.values()
    )


def test_many_queries_at_once(tasks: None, shared: ClientOf, lake: str, name: str) -> None:
    athena = shared("athena")

    def run(number: int) -> str:
        sql = f"SELECT count(*) + {number} FROM tasks a CROSS JOIN tasks b"
        context = {"Database": lake}
        query_id = athena.start_query_execution(
            QueryString=sql, WorkGroup=name, QueryExecutionContext=context
        )["QueryExecutionId"]
        finished(athena, query_id)
        rows = athena.get_query_results(QueryExecutionId=query_id)["ResultSet"]["Rows"]
        return str(rows[1]["Data"][0]["VarCharValue"])

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(run, range(18))) == [str(4 + number) for number in range(18)]


def test_results_with_dates_do_not_keep_the_server_from_saving_its_state(aws: LocalAws, of: ClientOf) -> None:
    make_lake(of, "lake-bucket")
    of("athena").start_query_execution(QueryString="SELECT current_date, now()", WorkGroup="lake-bucket")
    of("athena").create_work_group(Name="later", Configuration={})
    aws.kill()
    aws.start()
    assert of("athena").get_work_group(WorkGroup="later")["WorkGroup"]["State"] == "ENABLED"
