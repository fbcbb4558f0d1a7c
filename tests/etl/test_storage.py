"""Old versions of objects in a versioned bucket, as AWS keeps them."""

import boto3
import pytest
from moto import mock_aws

from etl.lake.storage import Bucket


@pytest.fixture
def bucket(monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="bronze")
        s3.put_bucket_versioning(Bucket="bronze", VersioningConfiguration={"Status": "Enabled"})
        yield Bucket("bronze", s3)


def versions(bucket):
    page = bucket.s3.list_object_versions(Bucket="bronze")
    return sorted(one["Key"] for name in ("Versions", "DeleteMarkers") for one in page.get(name, ()))


def test_old_versions_of_one_object_go_and_the_newest_stays(bucket):
    for body in (b"1", b"2", b"3"):
        bucket.put("cdc/a", body)
        bucket.put("cdc/ab", body)
    bucket.delete_old_versions("cdc/a")
    assert versions(bucket) == ["cdc/a", *["cdc/ab"] * 3]
    assert bucket.get("cdc/a")[0] == b"3"


def test_all_versions_of_deleted_objects_go_where_wanted(bucket):
    for key in ("cdc/gone", "cdc/kept", "cdc/living", "else/gone"):
        bucket.put(key, b"1")
    bucket.delete(["cdc/gone", "cdc/kept", "else/gone"])
    assert bucket.delete_versions_of_deleted("cdc/", lambda key: key != "cdc/kept") == 2
    assert versions(bucket) == ["cdc/kept", "cdc/kept", "cdc/living", "else/gone", "else/gone"]
