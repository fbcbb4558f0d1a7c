"""The arithmetic of the lake at size."""

import sqlglot
from sqlglot import exp

from bench.scale import BYTES, VIEW, Limits, Load, dpu_minutes, layout, report, view_bytes
from etl.lake.tables import GOLD
from insights.questions import CHARTS, CHOICES, KPIS


def test_the_report_compares_layouts():
    assert "a partition per user" in report(Load(), Limits())


def test_buckets_stay_within_firehose_and_users_do_not():
    load, limits = Load(), Limits()
    ours, theirs = layout(load, limits, 16), layout(load, limits, load.users * load.daily_active)
    assert ours.active_partitions <= 16 < limits.firehose_active_partitions < theirs.active_partitions
    assert theirs.files > 100 * ours.files
    assert theirs.bytes > 10 * ours.bytes


def test_many_events_in_few_partitions_fill_files_up_to_the_buffer():
    busy = layout(Load(users=10**10), Limits(), 16)
    assert busy.bytes_per_file <= Limits().firehose_buffer_bytes + Load().parquet_footer_bytes + 1


def test_cost_follows_events_files_and_history():
    limits = Limits()
    assert dpu_minutes(limits, 2e9, 0) == 2 * dpu_minutes(limits, 1e9, 0)
    assert dpu_minutes(limits, 0, 2e6) == 2 * dpu_minutes(limits, 0, 1e6)
    short, long = (view_bytes(Load(history_days=days), limits)["kpis"] for days in (100, 200))
    assert long == 2 * short
    assert set(view_bytes(Load(users=1), limits).values()) == {limits.athena_minimum_bytes}


def test_a_view_reads_what_its_questions_read():
    """Tables as often as the SQL names them; columns by name, so one of either table counts for both."""
    gold = {table.name: set(table.names) for table in GOLD}
    assert {question.slug for question in (KPIS, *CHARTS, CHOICES)} == VIEW.keys()
    for question in (KPIS, *CHARTS, CHOICES):
        tree = sqlglot.parse_one(question.sql, read="athena")
        tables = sorted(table.name for table in tree.find_all(exp.Table) if table.name in gold)
        assert tables == sorted(table for table, _ in VIEW[question.slug]), question.slug
        named = {column.name for column in tree.find_all(exp.Column)}
        for table, columns in VIEW[question.slug]:
            assert set(columns.split()) <= gold[table] & named, question.slug
        counted = {column for _, columns in VIEW[question.slug] for column in columns.split()}
        known = {column for table in tables for column in BYTES[table]}
        assert named & known == counted, question.slug
