"""Custom resource: the Silver and Gold tables of the Glue database.

CloudFormation would put a table's first location back with every change of its definition, while the lake jobs move
locations on every publish: readers would see an empty table. This creates what is missing and changes columns only.
"""

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

from etl.aws import client
from etl.lake.catalog import BRONZE_TABLES, glue_tables
from etl.log import log

TIMEOUT_SECONDS = 10


def handler(event: Mapping[str, Any], context: Any) -> None:
    """Answer one request of CloudFormation.

    Parameters
    ----------
    event
        `RequestType` (Create, Update, Delete), `ResponseURL`, and `ResourceProperties` with `Database`,
        `BronzeBucket`, `SilverBucket` and `GoldBucket`. Deleting leaves the tables to the deletion of their database.
    context
        Lambda context; unused.
    """
    properties = event["ResourceProperties"]
    outcome = {"Status": "SUCCESS", "Reason": ""}
    try:
        if event["RequestType"] != "Delete":
            ensure(properties)
    except Exception as error:  # noqa: BLE001  CloudFormation waits an hour for an answer that does not come
        outcome = {"Status": "FAILED", "Reason": f"{type(error).__name__}: {error}"[:1000]}
    failed = outcome["Status"] == "FAILED"
    log(
        "ensure_tables",
        outcome["Reason"] or "the tables are as the catalogue says",
        level="ERROR" if failed else "INFO",
        status="failed" if failed else "ok",
        request_type=event["RequestType"],
    )
    _respond(event, {**outcome, "PhysicalResourceId": f"lake-tables-{properties['Database']}"})


def ensure(properties: Mapping[str, str]) -> None:
    """Create the tables that are missing; bring the columns of those that exist up to date, and nothing else."""
    database = properties["Database"]
    present = _tables(database)
    for wanted in glue_tables(
        bronze_bucket=properties["BronzeBucket"],
        silver_bucket=properties["SilverBucket"],
        gold_bucket=properties["GoldBucket"],
    ):
        if wanted["Name"] in BRONZE_TABLES:
            continue  # their locations never move: CloudFormation's own
        found = present.get(wanted["Name"])
        if found is None:
            client("glue").create_table(DatabaseName=database, TableInput=wanted)
        elif found["StorageDescriptor"]["Columns"] != wanted["StorageDescriptor"]["Columns"]:
            wanted["StorageDescriptor"]["Location"] = found["StorageDescriptor"]["Location"]
            client("glue").update_table(DatabaseName=database, TableInput=wanted)


def _tables(database: str) -> dict[str, dict[str, Any]]:
    pages = client("glue").get_paginator("get_tables").paginate(DatabaseName=database)
    return {table["Name"]: table for page in pages for table in page["TableList"]}


def _respond(event: Mapping[str, Any], outcome: Mapping[str, str]) -> None:
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")} | dict(outcome)
    request = urllib.request.Request(  # noqa: S310  the address comes from CloudFormation
        event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT", headers={"Content-Type": ""}
    )
    urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()  # noqa: S310
