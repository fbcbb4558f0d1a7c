"""One contract of Glue for the lake: held by the local AWS and by the tests' catalogue in memory."""

import uuid

import pytest
from botocore.exceptions import ClientError

from etl.lake import catalog, glue_partitions
from etl.lake.tables import GOLD, SILVER, TASKS
from tests.etl.memory import Glue
from tests.roles import OWNER

GOLD_TABLE, SILVER_TABLE = GOLD[0], SILVER[0]


@pytest.fixture(params=["memory", "local AWS"])
def catalogue(request):
    """A client, and the name of a database that is empty but for one table of Silver."""
    name = f"contract_{uuid.uuid4().hex}"
    if request.param == "memory":
        yield Glue(), name
        return
    glue = OWNER.client("glue")
    glue.create_database(DatabaseInput={"Name": name})
    glue.create_table(
        DatabaseName=name, TableInput=glue_partitions.table_input(SILVER_TABLE, "s3://silver/first/")
    )
    yield glue, name
    glue.delete_database(Name=name)


def locations(catalogue):
    glue, database = catalogue
    pages = glue.get_paginator("get_partitions").paginate(DatabaseName=database, TableName=SILVER_TABLE.name)
    held = [partition for page in pages for partition in page["Partitions"]]
    return {partition["Values"][0]: partition["StorageDescriptor"]["Location"] for partition in held}


def sync(catalogue, **wanted):
    folders = {bucket.removeprefix("b"): folder for bucket, folder in wanted.items()}
    return glue_partitions.sync_silver(*catalogue, {SILVER_TABLE.name: folders})


def test_partitions_are_created_once_and_then_moved(catalogue):
    first, second = "s3://silver/x/user_bucket=07/a/", "s3://silver/x/user_bucket=07/b/"
    assert sync(catalogue, b07=first) == 17, "one for each bucket, and one move"
    held = locations(catalogue)
    assert len(held) == 16
    assert held["07"] == first
    assert held["08"] == "s3://silver/x/user_bucket=08/none/"
    assert sync(catalogue, b07=second) == 1
    assert locations(catalogue) == held | {"07": second}
    assert sync(catalogue, b07=second) == 0


def test_a_partition_that_another_run_created_is_kept(catalogue):
    glue, database = catalogue
    sync(catalogue, b07="s3://silver/x/user_bucket=07/a/")
    reply = glue.batch_create_partition(
        DatabaseName=database,
        TableName=SILVER_TABLE.name,
        PartitionInputList=[
            glue_partitions._partition(SILVER_TABLE, "07", "s3://silver/x/user_bucket=07/z/")
        ],
    )
    assert [error["ErrorDetail"]["ErrorCode"] for error in reply["Errors"]] == ["AlreadyExistsException"]
    assert locations(catalogue)["07"] == "s3://silver/x/user_bucket=07/a/"


def test_a_partition_that_is_not_there_is_not_moved(catalogue):
    glue, database = catalogue
    entry = {
        "PartitionValueList": ["07"],
        "PartitionInput": glue_partitions._partition(SILVER_TABLE, "07", "s3://silver/x/"),
    }
    reply = glue.batch_update_partition(DatabaseName=database, TableName=SILVER_TABLE.name, Entries=[entry])
    assert [error["ErrorDetail"]["ErrorCode"] for error in reply["Errors"]] == ["EntityNotFoundException"]
    assert locations(catalogue) == {}


def test_a_table_is_created_where_it_is_missing_and_then_moved(catalogue):
    glue, database = catalogue
    with pytest.raises(ClientError) as caught:
        glue.update_table(
            DatabaseName=database,
            TableInput=glue_partitions.table_input(GOLD_TABLE, "s3://gold/a/"),
            SkipArchive=True,
        )
    assert caught.value.response["Error"]["Code"] == "EntityNotFoundException"
    for location in ("s3://gold/a/", "s3://gold/b/"):
        glue_partitions.move_table(glue, database, GOLD_TABLE, location)
        found = glue.get_table(DatabaseName=database, Name=GOLD_TABLE.name)["Table"]
        assert found["StorageDescriptor"]["Location"] == location


@pytest.mark.parametrize(
    "catalogue", ["local AWS"], indirect=True
)  # a deployment's work: the jobs do not do it
def test_a_table_that_becomes_a_view_is_created_anew(catalogue):
    """And a view of another query is updated; what is as wanted stays, wherever it has moved."""
    glue, database = catalogue
    buckets = {"bronze_bucket": "b", "silver_bucket": "s", "gold_bucket": "g"}
    wanted = catalog.glue_tables(database=database, **buckets)
    before = catalog.table_input(TASKS, "s3://s/silver/tasks/")
    glue.create_table(DatabaseName=database, TableInput=before)
    glue_partitions.sync_tables(glue, database, wanted)

    def held(name):
        return glue.get_table(DatabaseName=database, Name=name)["Table"]

    view = next(table for table in wanted if table["Name"] == TASKS.name)
    assert held("tasks")["ViewOriginalText"] == view["ViewOriginalText"]
    glue.update_table(DatabaseName=database, TableInput=view | {"ViewOriginalText": "/* Presto View: */"})
    moved = catalog.table_input(GOLD_TABLE, "s3://g/moved/")
    glue.update_table(DatabaseName=database, TableInput=moved)
    glue_partitions.sync_tables(glue, database, catalog.glue_tables(database=database, **buckets))
    assert held("tasks")["ViewOriginalText"] == view["ViewOriginalText"]
    assert held(GOLD_TABLE.name)["StorageDescriptor"]["Location"] == "s3://g/moved/"
    glue_partitions.sync_tables(glue, database, [before])
    assert held("tasks")["TableType"] == "EXTERNAL_TABLE", "and back"
