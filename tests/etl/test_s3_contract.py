"""One contract of S3 for the lake: held by AWS, as moto knows it, by the local AWS, and by the doubles of tests."""

import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from etl.lake.storage import Bucket, ConflictError
from tests.etl import s3_server
from tests.etl.folder import FolderS3
from tests.etl.memory import S3
from tests.moto_aws import moto_aws
from tests.roles import OWNER

CLIENTS = ("memory", "moto", "local AWS")  # answer as S3 does, word for word
KEYS = ("cdc/day=1/a", "cdc/day=1/b", "cdc/day=10/a", "cdc/day=2/ü +%&.parquet", "gold/a")


@pytest.fixture
def bucket(request, tmp_path):
    """An empty bucket of the implementation that the parameter names."""
    name = f"contract-{uuid.uuid4().hex}"
    match request.param:
        case "memory":
            yield Bucket(name, S3())
        case "folder":
            yield Bucket(name, FolderS3(tmp_path))
        case "folder over HTTP":
            server, url = s3_server.serve(tmp_path)
            config = Config(s3={"addressing_style": "path"})
            yield Bucket(name, boto3.client("s3", endpoint_url=url, config=config))
            server.shutdown()
            server.server_close()
        case "moto":
            with moto_aws():
                yield created(name)
        case "local AWS":
            made = created(name)
            yield made
            made.delete(made.keys(""))
            made.s3.delete_bucket(Bucket=name)


def created(name):
    s3 = OWNER.client("s3")
    s3.create_bucket(Bucket=name)
    return Bucket(name, s3)


all_implementations = pytest.mark.parametrize(
    "bucket", [*CLIENTS, "folder", "folder over HTTP"], indirect=True
)
all_clients = pytest.mark.parametrize("bucket", CLIENTS, indirect=True)


def code(call, **given):
    with pytest.raises(ClientError) as caught:
        call(**given)
    return caught.value.response["Error"]["Code"]


def listed(bucket, **given):
    return list(bucket.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, **given))


# --- What the lake does, by its own class ------------------------------------------------------------------------


@all_implementations
def test_an_object_is_read_as_it_was_written(bucket):
    for body in (b"", b"1", bytes(range(256)) * 100):
        bucket.put("a", body)
        found, etag = bucket.get("a")
        assert found == body
        assert etag == bucket.etag("a")


@all_implementations
def test_an_object_that_is_not_there_is_none(bucket):
    bucket.put("a/b", b"1")
    for key in ("a", "a/", "a/b/c", "A/B"):
        assert bucket.get(key) is None
        assert bucket.get_json(key) is None
        assert bucket.etag(key) is None


@all_implementations
def test_keys_are_listed_below_a_prefix_in_order_after_another(bucket):
    for key in reversed(KEYS):
        bucket.put(key, key.encode())
    assert list(bucket.keys("")) == list(KEYS)
    assert list(bucket.keys("cdc/day=1")) == list(KEYS[:3]), "a prefix need not end at a slash"
    assert list(bucket.keys("cdc/day=1/")) == list(KEYS[:2])
    assert list(bucket.keys("cdc/", start_after=KEYS[1])) == list(KEYS[2:4])
    assert list(bucket.keys("cdc/", start_after="cdc/day=1/aa")) == list(KEYS[1:4]), (
        "of a key that is not there"
    )
    assert list(bucket.keys("nothing")) == []
    assert list(bucket.sizes("gold/")) == [("gold/a", 6)]


@all_implementations
def test_the_first_writer_of_an_object_wins(bucket):
    etag = bucket.replace_json("current", {"n": 1}, None)
    with pytest.raises(ConflictError):
        bucket.replace_json("current", {"n": 2}, None)
    assert bucket.get_json("current") == ({"n": 1}, etag)


@all_implementations
def test_only_the_object_that_was_read_is_replaced(bucket):
    first = bucket.replace_json("current", {"n": 1}, None)
    second = bucket.replace_json("current", {"n": 2}, first)
    assert second != first
    with pytest.raises(ConflictError):
        bucket.replace_json("current", {"n": 3}, first)
    assert bucket.get_json("current") == ({"n": 2}, second)


@all_implementations
def test_an_object_that_was_deleted_meanwhile_is_not_replaced(bucket):
    etag = bucket.replace_json("current", {"n": 1}, None)
    bucket.delete(["current"])
    with pytest.raises(ConflictError):
        bucket.replace_json("current", {"n": 2}, etag)
    assert bucket.get("current") is None


@all_implementations
def test_deleting_what_is_gone_is_fine(bucket):
    for key in KEYS:
        bucket.put(key, b"1")
    bucket.delete([*KEYS[:4], "never/there"])
    bucket.delete(KEYS[:1])
    bucket.delete([])
    assert list(bucket.keys("")) == [KEYS[4]]


@all_clients
def test_a_bucket_without_versions_has_no_old_ones(bucket):
    bucket.put("a", b"1")
    bucket.put("a", b"2")
    bucket.delete_old_versions("a")
    assert bucket.get("a")[0] == b"2"


# --- S3's answers, word for word ---------------------------------------------------------------------------------


@all_clients
def test_errors_have_the_codes_of_s3(bucket):
    s3, here = bucket.s3, {"Bucket": bucket.name}
    stale = s3.put_object(**here, Key="a", Body=b"1")["ETag"]
    s3.put_object(**here, Key="a", Body=b"2")
    assert code(s3.get_object, **here, Key="b") == "NoSuchKey"
    assert code(s3.head_object, **here, Key="b") == "404", "a HEAD has no body that could say more"
    assert code(s3.put_object, **here, Key="a", Body=b"3", IfNoneMatch="*") == "PreconditionFailed"
    assert code(s3.put_object, **here, Key="a", Body=b"3", IfMatch=stale) == "PreconditionFailed"
    assert code(s3.put_object, **here, Key="b", Body=b"3", IfMatch=stale) == "NoSuchKey"
    assert s3.get_object(**here, Key="a")["Body"].read() == b"2"


@all_clients
def test_an_etag_is_the_quoted_md5_of_the_body_in_every_answer(bucket):
    s3, here = bucket.s3, {"Bucket": bucket.name}
    etag = '"c4ca4238a0b923820dcc509a6f75849b"'
    assert s3.put_object(**here, Key="a", Body=b"1")["ETag"] == etag
    assert s3.get_object(**here, Key="a")["ETag"] == etag
    assert s3.head_object(**here, Key="a")["ETag"] == etag
    assert listed(bucket)[0]["Contents"][0]["ETag"] == etag


@all_clients
def test_a_listing_comes_in_pages(bucket):
    for key in KEYS:
        bucket.put(key, b"1")
    pages = listed(bucket, Prefix="cdc/", PaginationConfig={"PageSize": 3})
    assert [[entry["Key"] for entry in page["Contents"]] for page in pages] == [list(KEYS[:3]), [KEYS[3]]]
    assert [page.get("Contents", []) for page in listed(bucket, Prefix="nothing")] == [[]]
