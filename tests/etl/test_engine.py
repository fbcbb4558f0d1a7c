"""The SQL files and their translation: allowed functions only, Spark's meaning kept in DuckDB."""

from datetime import UTC, date, datetime
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from etl.engine.embedded import Engine, SchemaError
from etl.engine.errors import EngineError
from etl.engine.translate import duckdb_sql
from etl.jobs.steps import GOLD_STEPS, SILVER, SQL, gold_parameters, silver_parameters, sql_text
from etl.lake.latest import current_sql
from etl.lake.tables import GOLD, VIEWS, Table, columns
from etl.lake.tables import SILVER as SILVER_TABLES
from tests.etl.sql_rules import violations

FILES = sorted(SQL.rglob("*.sql"))


@pytest.fixture
def engine(tmp_path):
    with Engine(tmp_path) as engine:
        yield engine


def value(engine, expression, **parameters):
    engine.run("answer", f"SELECT {expression} AS x", parameters)
    return engine.value("SELECT x FROM answer")


def test_runs_spark_sql(engine):
    engine.run("numbers", "SELECT explode(sequence(1, 4)) AS n", {})
    engine.run("answer", "SELECT CAST(sum(n) AS bigint) AS total FROM numbers", {})
    assert engine.value("SELECT total FROM answer") == 10


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_keeps_the_rules_and_says_its_grain(path):
    text = path.read_text()
    assert violations(text) == []
    assert "Grain: one row per" in text[:200]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_the_queries_of_views_keep_the_rules_too(view):
    assert violations(current_sql(view)) == []
    assert duckdb_sql(current_sql(view))


def test_every_file_is_a_step_and_every_table_has_one():
    assert {path.stem for path in (SQL / "silver").iterdir()} == set(SILVER)
    assert {path.stem for path in (SQL / "gold").iterdir()} == set(GOLD_STEPS)
    assert {table.name for table in SILVER_TABLES} < set(SILVER)
    assert {table.name for table in GOLD} < set(GOLD_STEPS)


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("SELECT percentile_approx(x, 0.5) FROM t", "function not allowed"),
        ("SELECT upper(x) FROM t", "function not allowed: upper"),
        ("SELECT stddev(x) FROM t", "function not allowed"),
        ("SELECT dayofweek(x) FROM t", "function not allowed"),
        ("SELECT some_udf(x) FROM t", "function not allowed: some_udf"),
        ("SELECT sum(x) AS s FROM t", "aggregate not cast"),
        ("SELECT count(*) OVER (PARTITION BY x) FROM t", "aggregate not cast"),
        ("SELECT CAST(a / b AS bigint) FROM t", "fraction cast to an integer"),
        ("SELECT try_cast(n_text AS bigint) FROM t", "text cast to an integer"),
        ("SELECT x FROM t WHERE user_bucket = '07'", "partition column"),
        ("SELECT max(x) FROM t GROUP BY user_bucket", "partition column"),
        ("SELECT row_number() OVER (ORDER BY sequence_number) FROM t", "ordered as text"),
        ("SELECT CAST(explode(sequence(1, 7)) AS int) AS x FROM t", "explode inside"),
    ],
)
def test_what_engines_may_disagree_on_is_refused(sql, complaint):
    assert any(complaint in found for found in violations(sql))


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("get_json_object('{\"a\": {\"b\": 1}}', '$.a')", '{"b":1}'),
        ("get_json_object('{\"a\": null}', '$.a')", None),
        ("get_json_object('{broken', '$.a')", None),
        ("get_json_object(NULL, '$.a')", None),
        (
            'concat(get_json_object(\'{"a":"1","b":"2"}\', \'$.a\'), get_json_object(\'{"a":"1","b":"2"}\', \'$.b\'))',
            "12",
        ),
        ("date_add(DATE '2026-02-28', 1)", date(2026, 3, 1)),
        ("date_sub(DATE '2026-03-01', 1)", date(2026, 2, 28)),
        ("datediff(DATE '2026-03-01', DATE '2026-02-27')", 2),
        ("pmod(-3, 7)", 4),
        ("7 div 2", 3),
        ("NULL <=> NULL", True),
        ("greatest(NULL, 2, 1)", 2),
        ("least(DATE '2026-03-01', NULL)", date(2026, 3, 1)),
        ("lpad('123', 5, '0')", "00123"),
        ("try_cast('2026-13-01' AS date)", None),
        ("unix_micros(try_cast('1970-01-01T00:00:01.000002Z' AS timestamp))", 1_000_002),
        ("try_cast('2026-03-01T10:00:00+02:00' AS timestamp)", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("hour(from_utc_timestamp(try_cast('2026-07-01T10:00:00Z' AS timestamp), 'Europe/Paris'))", 12),
        ("hour(from_utc_timestamp(try_cast('2026-01-01T10:00:00Z' AS timestamp), 'Europe/Paris'))", 11),
    ],
)
def test_expressions_mean_in_duckdb_what_they_mean_in_spark(engine, expression, wanted):
    assert value(engine, expression) == wanted


@pytest.mark.parametrize(
    ("share", "wanted"), [("0.5", 10), ("0.85", 17), ("0.95", 19), ("0.0", 1), ("1.0", 20), ("0.01", 1)]
)
def test_percentiles_are_observed_values(engine, share, wanted):
    engine.run("t", "SELECT explode(sequence(1, 20)) AS x", {})
    engine.run(
        "answer", f"SELECT CAST(percentile_disc({share}) WITHIN GROUP (ORDER BY x) AS bigint) AS p FROM t", {}
    )
    assert engine.value("SELECT p FROM answer") == wanted


def test_count_if_of_nulls_is_zero(engine):
    engine.run("answer", "SELECT CAST(count_if(x > 1) AS bigint) AS n FROM VALUES (NULL) AS t(x)", {})
    assert engine.value("SELECT n FROM answer") == 0


def test_parameters_are_literals_and_must_all_be_given(engine):
    assert value(engine, "concat(:a, '!')", a="it's; DROP TABLE t --") == "it's; DROP TABLE t --!"
    with pytest.raises(ValueError, match=":b"):
        value(engine, ":b")


def test_all_files_translate():
    for name in SILVER:
        assert duckdb_sql(sql_text("silver", name), tuple(silver_parameters(date(2026, 6, 1)).items()))
    for name in GOLD_STEPS:
        assert duckdb_sql(sql_text("gold", name), tuple(gold_parameters(date(2026, 1, 1), "UTC").items()))


def test_a_result_of_another_type_is_not_written(engine, tmp_path):
    engine.run("t", "SELECT 1 AS n", {})
    with pytest.raises(SchemaError, match="BIGINT"):
        engine.write(Table("t", "gold", columns("n bigint")), tmp_path / "t.parquet")
    assert not (tmp_path / "t.parquet").exists()


def test_a_machine_in_trouble_does_not_make_a_whole_file_a_broken_one(tmp_path):
    """Such a file would count as read, and what it holds be missing from Silver for good."""
    path = tmp_path / "whole.parquet"
    pq.write_table(pa.table({"a": [Random(number).randbytes(500).hex() for number in range(4000)]}), path)
    with Engine(tmp_path / "spill", "100KB", 1) as engine, pytest.raises(EngineError, match="Memory"):
        engine.unreadable([path])
    with Engine(tmp_path / "spill") as engine:
        assert engine.unreadable([path]) == {}
        path.write_bytes(b"PAR1 and no more")
        assert list(engine.unreadable([path])) == [path]
