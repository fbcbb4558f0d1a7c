"""S3 objects: whole or not there, conditional writes atomic, through crashes."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from localcloud.aws import s3_files
from localcloud.server import LocalAws
from tests.localcloud.conftest import ClientOf


def test_objects_with_any_name_survive_a_crash(aws: LocalAws, of: ClientOf) -> None:
    of("s3").create_bucket(Bucket="lake-bucket")
    keys = ["plain.txt", "cdc/year=2026/part 1+ü.parquet", "folder/.hidden/..", "temporary.tmp"]
    for key in keys:
        of("s3").put_object(Bucket="lake-bucket", Key=key, Body=key.encode(), Metadata={"for": "test"})
    of("s3").delete_object(Bucket="lake-bucket", Key="plain.txt")
    aws.kill()
    aws.start()
    listed = of("s3").list_objects_v2(Bucket="lake-bucket")["Contents"]
    assert [entry["Key"] for entry in listed] == sorted(keys[1:])
    for key in keys[1:]:
        found = of("s3").get_object(Bucket="lake-bucket", Key=key)
        assert found["Body"].read() == key.encode()
        assert found["Metadata"] == {"for": "test"}


def test_if_none_match_and_if_match(shared: ClientOf, name: str) -> None:
    s3 = shared("s3")
    s3.create_bucket(Bucket=name)
    etag = s3.put_object(Bucket=name, Key="current", Body=b"1", IfNoneMatch="*")["ETag"]
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=name, Key="current", Body=b"2", IfNoneMatch="*")
    newer = s3.put_object(Bucket=name, Key="current", Body=b"3", IfMatch=etag)["ETag"]
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=name, Key="current", Body=b"4", IfMatch=etag)
    with pytest.raises(ClientError):
        s3.put_object(Bucket=name, Key="absent", Body=b"5", IfMatch=newer)
    assert s3.get_object(Bucket=name, Key="current")["Body"].read() == b"3"


def test_one_of_many_simultaneous_commits_wins(shared: ClientOf, name: str) -> None:
    s3 = shared("s3")
    s3.create_bucket(Bucket=name)
    etag = s3.put_object(Bucket=name, Key="current", Body=b"first")["ETag"]

    def commit(number: int) -> bool:
        try:
            s3.put_object(Bucket=name, Key="current", Body=b"%d" % number, IfMatch=etag)
        except ClientError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(commit, range(24))) == 1


@pytest.mark.parametrize("crashed_after", ["metadata", "data"])
def test_an_interrupted_overwrite_is_the_old_or_the_new_object(
    crashed_after: str, aws: LocalAws, of: ClientOf, tmp_path: Path
) -> None:
    s3 = of("s3")
    s3.create_bucket(Bucket="lake-bucket")
    old = s3.put_object(Bucket="lake-bucket", Key="current", Body=b"old", Metadata={"is": "old"})["ETag"]
    body = b"newer and longer"
    new = s3.put_object(Bucket="lake-bucket", Key="sample", Body=body, Metadata={"is": "new"})["ETag"]
    aws.kill()
    folder = tmp_path / "aws/s3/000000000000/lake-bucket"
    metadata = {**json.loads((folder / "sample.meta.json").read_bytes()), "key": "current"}
    pending = json.dumps({**metadata, "data_digest": s3_files.digest(body)})
    (folder / f"current{s3_files.PENDING}").write_text(pending)
    if crashed_after == "data":
        (folder / "current").write_bytes(body)
    aws.start()
    found = of("s3").get_object(Bucket="lake-bucket", Key="current")
    got = (found["Body"].read(), found["ETag"], found["Metadata"]["is"])
    assert got == ((b"old", old, "old") if crashed_after == "metadata" else (body, new, "new"))
    assert not list(folder.glob("*.tmp"))
