"""The arithmetic of the lake at size."""

from bench.scale import Limits, Load, dpu_minutes, gold_bytes, layout, report


def test_it_works():
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


def test_cost_follows_events_and_users():
    assert dpu_minutes(Load(), Limits(), 2e9) == 2 * dpu_minutes(Load(), Limits(), 1e9)
    assert gold_bytes(Load(users=10))["user_analytics"] < gold_bytes(Load())["user_analytics"]
