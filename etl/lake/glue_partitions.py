"""Glue follows the lake: its tables have the lake's columns, and they and their partitions the committed locations."""

from collections.abc import Iterable, Mapping
from typing import Any

from etl.lake.catalog import storage_descriptor, table_input
from etl.lake.layout import USER_BUCKETS
from etl.lake.storage import in_parallel
from etl.lake.tables import SILVER, Table

_BATCH = 100
_BUCKETS = tuple(f"{number:02d}" for number in range(USER_BUCKETS))


def sync_tables(glue: Any, database: str, tables: Iterable[dict[str, Any]]) -> None:
    """Create missing tables of `catalog.glue_tables`; of existing ones, update what differs but the location.

    A table that has become a view, or the reverse, is created anew: Glue does not promise to turn one into the other.
    """
    pages = glue.get_paginator("get_tables").paginate(DatabaseName=database)
    present = {table["Name"]: table for page in pages for table in page["TableList"]}
    for wanted in tables:
        found = present.get(wanted["Name"])
        if found is not None and found.get("TableType") != wanted["TableType"]:
            glue.delete_table(DatabaseName=database, Name=wanted["Name"])
            found = None
        if found is None:
            glue.create_table(DatabaseName=database, TableInput=wanted)
        elif _definition(found) != _definition(wanted):
            wanted["StorageDescriptor"]["Location"] = found["StorageDescriptor"]["Location"]
            glue.update_table(DatabaseName=database, TableInput=wanted)


def _definition(table: Mapping[str, Any]) -> tuple[Any, ...]:
    storage = table["StorageDescriptor"]
    return storage["Columns"], storage.get("InputFormat"), table.get("ViewOriginalText")


def sync_silver(glue: Any, database: str, wanted: Mapping[str, Mapping[str, str]]) -> int:
    """Point Silver's Glue partitions at their live folders.

    Parameters
    ----------
    glue
        boto3 client.
    database
        Glue database.
    wanted
        Table name -> user bucket -> `s3://…/` folder.

    Returns
    -------
    int
        How many partitions were created or moved.
    """

    def sync(table: Table) -> int:
        return _sync_table(glue, database, table, wanted.get(table.name, {}))

    return sum(in_parallel(sync, SILVER))


def _sync_table(glue: Any, database: str, table: Table, wanted: Mapping[str, str]) -> int:
    """Move all that has to move in one call, so that no query meets some buckets of one commit and some of another."""
    if not wanted:
        return 0
    held = _locations(glue, database, table)
    where = {"DatabaseName": database, "TableName": table.name}
    missing = sorted({*_BUCKETS, *wanted} - held.keys())
    for chunk in _chunks(missing):
        # First without any rows: nothing of a commit is seen before it is moved in.
        inputs = [_partition(table, bucket, _nowhere(wanted, bucket)) for bucket in chunk]
        _raise_errors(glue.batch_create_partition(**where, PartitionInputList=inputs))
    moved = [bucket for bucket in wanted if held.get(bucket) != wanted[bucket]]
    for chunk in _chunks(moved):
        entries = [
            {"PartitionValueList": [bucket], "PartitionInput": _partition(table, bucket, wanted[bucket])}
            for bucket in chunk
        ]
        _raise_errors(glue.batch_update_partition(**where, Entries=entries))
    return len(missing) + len(moved)


def _nowhere(wanted: Mapping[str, str], bucket: str) -> str:
    """A folder for a bucket that has no rows yet, beside the others'; nothing is ever written there."""
    table = next(iter(wanted.values())).partition("/user_bucket=")[0]
    return f"{table}/user_bucket={bucket}/none/"


def _locations(glue: Any, database: str, table: Table) -> dict[str, str]:
    pages = glue.get_paginator("get_partitions").paginate(DatabaseName=database, TableName=table.name)
    return {
        partition["Values"][0]: partition["StorageDescriptor"]["Location"]
        for page in pages
        for partition in page["Partitions"]
    }


def _partition(table: Table, bucket: str, location: str) -> dict[str, Any]:
    return {"Values": [bucket], "StorageDescriptor": storage_descriptor(table, location)}


def _chunks(items: list[str]) -> list[list[str]]:
    return [items[start : start + _BATCH] for start in range(0, len(items), _BATCH)]


def _raise_errors(reply: Mapping[str, Any]) -> None:
    # A partition that another run has just created is moved by the next look.
    errors = [
        error
        for error in reply.get("Errors", ())
        if error["ErrorDetail"]["ErrorCode"] != "AlreadyExistsException"
    ]
    if errors:
        raise RuntimeError(f"Glue refused partitions: {errors}")


def move_table(glue: Any, database: str, table: Table, location: str) -> None:
    """Point a Gold table at a folder; create the table where it is missing."""
    wanted = table_input(table, location)
    try:
        # Without an archive: a publish every few seconds would reach Glue's limit of table versions.
        glue.update_table(DatabaseName=database, TableInput=wanted, SkipArchive=True)
    except glue.exceptions.EntityNotFoundException:
        glue.create_table(DatabaseName=database, TableInput=wanted)
