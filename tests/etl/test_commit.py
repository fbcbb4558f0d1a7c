"""The commit loop that every job shares: a lost race is planned again, and not for ever."""

import pytest

from etl.lake import commit
from etl.lake.commit import commit_json
from etl.lake.storage import Bucket, ConflictError
from tests.etl.memory import S3


@pytest.fixture
def bucket(monkeypatch):
    monkeypatch.setattr(commit.time, "sleep", lambda seconds: None)
    return Bucket("silver", S3())


def test_writes_what_the_plan_makes_of_the_object(bucket):
    assert commit_json(bucket, "key", lambda held: {"made_of": held}) == (None, {"made_of": None})
    assert commit_json(bucket, "key", lambda held: {"count": len(held)}) == ({"made_of": None}, {"count": 1})


def test_leaves_the_object_where_the_plan_has_nothing_to_change(bucket):
    bucket.put("key", b'{"count":1}')
    assert commit_json(bucket, "key", lambda held: None) == ({"count": 1}, None)
    assert bucket.get_json("key")[0] == {"count": 1}


def test_plans_again_from_the_winners_object(bucket):
    rivals = iter([b'{"count":1}', b'{"count":2}'])

    def add(held):
        rival = next(rivals, None)
        if rival:
            bucket.put("key", rival)
        return {"count": (held or {"count": 0})["count"] + 10}

    assert commit_json(bucket, "key", add) == ({"count": 2}, {"count": 12})


def test_gives_up_when_others_are_always_first(bucket):
    attempts = []

    def lose(held):
        attempts.append(held)
        raise ConflictError("lost")

    with pytest.raises(ConflictError, match="other runs kept replacing s3://silver/key first"):
        commit_json(bucket, "key", lose)
    assert len(attempts) == commit.ATTEMPTS
