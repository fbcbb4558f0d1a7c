"""Trino's SQL, one expression at a time: what Athena engine 3 answers, as the text of the result."""

from __future__ import annotations

from typing import Any

import pytest

from tests.localcloud.conftest import ClientOf, client
from tests.localcloud.lake import finished, make_lake

MOMENT = "timestamp '2026-01-02 03:04:05.678'"
ZONED = "from_iso8601_timestamp('2026-01-01T02:00:00Z')"

SCALARS = [
    # numbers
    ("7 / 2", "integer", "3"),
    ("-7 / 2", "integer", "-3"),
    ("7 % 3", "integer", "1"),
    ("7e0 / 2", "double", "3.5"),
    ("CAST(7 AS double) / 2", "double", "3.5"),
    ("100.0 * 3 / 7", "decimal", "42.9"),
    ("1.0 / 3", "decimal", "0.3"),
    ("100e0 * 3 / 7", "double", "42.857142857142854"),
    ("round(2.5e0)", "double", "3.0"),
    ("1e7", "double", "1.0E7"),
    ("0.00012e0", "double", "1.2E-4"),
    ("CAST(2.5e0 AS integer)", "integer", "3"),
    ("TRY_CAST('5.5' AS bigint)", "bigint", None),
    ("TRY_CAST(' 42' AS bigint)", "bigint", "42"),
    ("TRY_CAST('x' AS double)", "double", None),
    ("TRY(CAST('x' AS bigint))", "bigint", None),
    ("TRY(1 / (1 - 1))", "integer", None),
    ("COALESCE(NULLIF(1, 1), 2)", "integer", "2"),
    ("greatest(1, 3, 2)", "integer", "3"),
    ("width_bucket(5, 0, 10, 5)", "bigint", "3"),
    ("IF(1 > 2, 'a')", "varchar", None),
    # dates
    ("date_add('day', -1, date '2026-01-01')", "date", "2025-12-31"),
    ("date_add('month', 1, date '2026-01-31')", "date", "2026-02-28"),
    ("date_add('hour', 25, timestamp '2026-01-01 00:00:00')", "timestamp", "2026-01-02 01:00:00.000"),
    ("date '2026-01-02' + interval '1' day", "date", "2026-01-03"),
    ("date '2026-01-31' - interval '1' month", "date", "2025-12-31"),
    ("date_diff('day', date '2026-01-01', date '2026-01-03')", "bigint", "2"),
    ("date_diff('hour', timestamp '2026-01-01 00:59:00', timestamp '2026-01-01 02:01:00')", "bigint", "1"),
    ("date_diff('week', date '2026-01-04', date '2026-01-05')", "bigint", "0"),
    ("date_diff('day', timestamp '2026-01-02 12:00:00', timestamp '2026-01-01 13:00:00')", "bigint", "0"),
    ("date_trunc('week', date '2026-01-01')", "date", "2025-12-29"),
    (f"date_trunc('hour', {MOMENT})", "timestamp", "2026-01-02 03:00:00.000"),
    ("day_of_week(date '2026-01-04')", "bigint", "7"),
    ("dow(date '2026-01-05')", "bigint", "1"),
    ("day_of_year(date '2026-02-01')", "bigint", "32"),
    ("week(date '2026-01-01')", "bigint", "1"),
    ("year_of_week(date '2027-01-01')", "bigint", "2026"),
    ("quarter(date '2026-05-02')", "bigint", "2"),
    (f"hour({MOMENT})", "bigint", "3"),
    ("extract(month FROM date '2026-05-02')", "bigint", "5"),
    ("last_day_of_month(date '2026-02-01')", "date", "2026-02-28"),
    (f"date_format({MOMENT}, '%Y-%m-%d %H:%i:%s')", "varchar", "2026-01-02 03:04:05"),
    ("date_format(date '2026-01-02', '%a %b %e')", "varchar", "Fri Jan 2"),
    (f"format_datetime({MOMENT}, 'yyyy-MM-dd''T''HH:mm')", "varchar", "2026-01-02T03:04"),
    (f"format_datetime({MOMENT}, 'EEE d MMMM')", "varchar", "Fri 2 January"),
    ("date_parse('2026-01-02 03', '%Y-%m-%d %H')", "timestamp", "2026-01-02 03:00:00.000"),
    (f"to_iso8601({MOMENT})", "varchar", "2026-01-02T03:04:05.678"),
    ("to_iso8601(date '2026-01-02')", "varchar", "2026-01-02"),
    ("from_iso8601_date('2026-01-02')", "date", "2026-01-02"),
    (
        "from_iso8601_timestamp('2026-01-02T03:04:05.678+02:00')",
        "timestamp with time zone",
        "2026-01-02 01:04:05.678 UTC",
    ),
    ("from_unixtime(1767225600)", "timestamp with time zone", "2026-01-01 00:00:00.000 UTC"),
    ("to_unixtime(timestamp '2026-01-01 00:00:00')", "double", "1.7672256E9"),
    (f"CAST({ZONED} AS timestamp)", "timestamp", "2026-01-01 02:00:00.000"),
    (f"CAST({ZONED} AT TIME ZONE 'America/New_York' AS date)", "date", "2025-12-31"),
    (f"hour({ZONED} AT TIME ZONE 'America/New_York')", "bigint", "21"),
    (
        "hour(timestamp '2026-01-01 12:00:00' AT TIME ZONE 'America/New_York')",
        "bigint",
        "7",
    ),
    (f"hour(at_timezone({ZONED}, 'Europe/Paris'))", "bigint", "3"),
    (f"CAST({MOMENT} AS varchar)", "varchar", "2026-01-02 03:04:05.678"),
    (f"CAST({MOMENT} AS date)", "date", "2026-01-02"),
    ("current_date = CAST(now() AS date)", "boolean", "true"),
    # text
    ("'a' || 'b'", "varchar", "ab"),
    ("split_part('a,b', ',', 2)", "varchar", "b"),
    ("length('héllo')", "bigint", "5"),
    ("substr('hello', 2, 3)", "varchar", "ell"),
    ("strpos('hello', 'l')", "bigint", "3"),
    ("regexp_extract('abc123', '[0-9]+')", "varchar", "123"),
    ("regexp_extract('abc', '[0-9]+')", "varchar", None),
    ("regexp_replace('abc', '(a)', '$1$1')", "varchar", "aabc"),
    ("regexp_like('abc', '^a')", "boolean", "true"),
    ("lpad('5', 3, '0')", "varchar", "005"),
    # JSON
    ('json_extract_scalar(\'{"a": {"b": "x"}}\', \'$.a.b\')', "varchar", "x"),
    ("json_extract_scalar('{\"n\": 5}', '$.n')", "varchar", "5"),
    ("json_extract_scalar('{\"o\": [1]}', '$.o')", "varchar", None),
    ("json_extract_scalar('no json', '$.o')", "varchar", None),
    ('json_extract(\'{"a": {"b": "x"}}\', \'$.a\')', "json", '{"b":"x"}'),
    ("json_array_length('[1, 2, 3]')", "bigint", "3"),
    ("json_size('{\"a\": [1, 2]}', '$.a')", "bigint", "2"),
    ("CAST(json_extract('{\"a\": [1, 2]}', '$.a') AS array(bigint))", "array", "[1, 2]"),
    # arrays and maps
    ("sequence(1, 3)", "array", "[1, 2, 3]"),
    ("sequence(date '2026-01-01', date '2026-01-02')", "array", "[2026-01-01, 2026-01-02]"),
    ("cardinality(ARRAY[1, 2])", "bigint", "2"),
    ("cardinality(map(ARRAY['a'], ARRAY[1]))", "bigint", "1"),
    ("element_at(ARRAY[1, 2], 5)", "integer", None),
    ("map(ARRAY['a'], ARRAY[1])", "map", "{a=1}"),
    ("slice(ARRAY[1, 2, 3, 4], 2, 2)", "array", "[2, 3]"),
    ("filter(ARRAY[1, 2, 3], x -> x > 1)", "array", "[2, 3]"),
    ("any_match(ARRAY[1, 2], x -> x > 1)", "boolean", "true"),
    ("none_match(ARRAY[1, 2], x -> x > 5)", "boolean", "true"),
    ("array_join(ARRAY['a', 'b'], '-')", "varchar", "a-b"),
]

AGGREGATES = [
    ("count_if(x > 1)", "bigint", "3"),
    ("count(*) / 3", "bigint", "1"),
    ("sum(x)", "bigint", "10"),
    ("sum(x) / 4", "bigint", "2"),
    ("avg(x)", "double", "2.5"),
    ("sum(x) FILTER (WHERE x > 2)", "bigint", "7"),
    ("approx_percentile(x, 0.5)", "integer", "2"),
    ("approx_percentile(x, ARRAY[0.25, 0.75])", "array", "[1, 3]"),
    ("approx_distinct(y)", "bigint", "2"),
    ("max_by(x, -x)", "integer", "1"),
    ("min_by(x, -x)", "integer", "4"),
    ("array_agg(x ORDER BY x DESC)", "array", "[4, 3, 2, 1]"),
    ("listagg(y, '+') WITHIN GROUP (ORDER BY x)", "varchar", "a+b+a+b"),
    ("bool_and(x > 0)", "boolean", "true"),
    ("avg(x * 1.10)", "decimal", "2.75"),
    ("count(DISTINCT y)", "bigint", "2"),
]

QUERIES = [
    (
        """SELECT d, hour FROM UNNEST(sequence(date '2026-01-01', date '2026-01-02', interval '1' day)) AS t(d)
        CROSS JOIN UNNEST(sequence(0, 1)) AS h(hour) ORDER BY 1, 2 DESC""",
        [["2026-01-01", "1"], ["2026-01-01", "0"], ["2026-01-02", "1"], ["2026-01-02", "0"]],
    ),
    (
        "SELECT y, sum(x), grouping(y) FROM (VALUES (1, 'a'), (2, 'b')) t(x, y) GROUP BY ROLLUP (y) ORDER BY y",
        [["a", "1", "0"], ["b", "2", "0"], [None, "3", "1"]],
    ),
    (
        """SELECT x, row_number() OVER (ORDER BY x DESC), lag(x) OVER (ORDER BY x),
        sum(x) OVER (ORDER BY x ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES 1, 2, 3) t(x) ORDER BY x""",
        [["1", "3", None, "1"], ["2", "2", "1", "3"], ["3", "1", "2", "5"]],
    ),
    ("SELECT x FROM (VALUES 2, NULL, 1) t(x) ORDER BY x DESC", [["2"], ["1"], [None]]),
    ("SELECT x FROM (VALUES 1, 2, 3) t(x) ORDER BY x OFFSET 1 LIMIT 1", [["2"]]),
    ("WITH a AS (SELECT 1 x), b AS (SELECT x + 1 y FROM a) SELECT y FROM b UNION ALL SELECT x FROM a", [["2"], ["1"]]),
    ("SELECT t.n, t.i FROM UNNEST(ARRAY['a', 'b']) WITH ORDINALITY AS t(n, i) ORDER BY 2", [["a", "1"], ["b", "2"]]),
    ("SELECT IF(x > 1, 'many', 'one') size, count(*) FROM (VALUES 1, 2, 3) t(x) GROUP BY 1 ORDER BY 1",
     [["many", "2"], ["one", "1"]]),
]  # fmt: skip


@pytest.fixture(scope="module")
def workgroup(shared_aws: Any) -> str:
    make_lake(lambda service: client(shared_aws, service), "trino-lake")
    return "trino-lake"


def run(shared: ClientOf, workgroup: str, sql: str) -> tuple[list[str], list[list[str | None]]]:
    """Types and rows of text."""
    athena = shared("athena")
    query_id = athena.start_query_execution(QueryString=sql, WorkGroup=workgroup)["QueryExecutionId"]
    status = finished(athena, query_id)["Status"]
    assert status["State"] == "SUCCEEDED", status.get("StateChangeReason")
    result = athena.get_query_results(QueryExecutionId=query_id)["ResultSet"]
    rows = [[cell.get("VarCharValue") for cell in row["Data"]] for row in result["Rows"][1:]]
    return [column["Type"] for column in result["ResultSetMetadata"]["ColumnInfo"]], rows


def test_a_select_of_literals(shared: ClientOf, workgroup: str) -> None:
    assert run(shared, workgroup, "SELECT 1, 'a' AS b") == (["integer", "varchar"], [["1", "a"]])


@pytest.mark.parametrize(("expression", "kind", "text"), SCALARS)
def test_expressions(expression: str, kind: str, text: str | None, shared: ClientOf, workgroup: str) -> None:
    assert run(shared, workgroup, f"SELECT {expression}") == ([kind], [[text]])


@pytest.mark.parametrize(("expression", "kind", "text"), AGGREGATES)
def test_aggregates(expression: str, kind: str, text: str | None, shared: ClientOf, workgroup: str) -> None:
    rows = "(VALUES (1, 'a'), (2, 'b'), (3, 'a'), (4, 'b')) AS t(x, y)"
    assert run(shared, workgroup, f"SELECT {expression} FROM {rows}") == ([kind], [[text]])


@pytest.mark.parametrize(("sql", "rows"), QUERIES)
def test_queries(sql: str, rows: list[list[str | None]], shared: ClientOf, workgroup: str) -> None:
    assert run(shared, workgroup, sql)[1] == rows
