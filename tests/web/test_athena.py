"""What goes into a query of Athena: values are never a part of it."""

from datetime import date

import pytest

from web import athena

NASTY = ["x' OR '1'='1", "'; DROP TABLE task_facts; --", "''", "\\'", "a\nb", "?", "Ünïcode ☂", "--", "/* */"]


@pytest.mark.parametrize("value", NASTY)
def test_a_value_comes_back_as_it_was(value):
    assert athena.run("SELECT ? AS found, ? AS second", (value, "b")).rows == [
        {"found": value, "second": "b"}
    ]


@pytest.mark.parametrize("value", NASTY)
def test_a_value_selects_nothing_but_itself(value):
    sql = "SELECT count(*) AS found FROM (VALUES 'a', 'b') AS given(name) WHERE name = ?"
    assert athena.run(sql, (value,)).rows == [{"found": 0}]


def test_how_values_are_written():
    assert [athena.literal(value) for value in (3, "it's", date(2026, 11, 30))] == [
        "3",
        "'it''s'",
        "'2026-11-30'",
    ]
