"""Custom resource: the Silver and Gold tables of the Glue database.

The lake jobs move a table's location on every publish. CloudFormation would reset it to the first location whenever the
definition changes, and readers would see an empty table. This resource creates missing tables and views, and updates
what differs but the location.
"""

import json
import urllib.request
from collections.abc import Mapping
from typing import Any

from etl.aws import client
from etl.lake.catalog import BRONZE_TABLES, glue_tables
from etl.lake.glue_partitions import sync_tables
from etl.log import log
from etl.redaction import errors_redacted, redacted_text

TIMEOUT_SECONDS = 10


@errors_redacted
def handler(event: Mapping[str, Any], context: Any) -> None:
    """Answer one request of CloudFormation.

    Parameters
    ----------
    event
        `RequestType` (Create, Update, Delete), `ResponseURL`, and `ResourceProperties` with `Database`,
        `BronzeBucket`, `SilverBucket` and `GoldBucket`. Delete does nothing: the tables go with their database.
    """
    properties = event["ResourceProperties"]
    outcome = {"Status": "SUCCESS", "Reason": ""}
    try:
        if event["RequestType"] != "Delete":
            ensure(properties)
    except Exception as error:  # noqa: BLE001  without an answer, CloudFormation waits for an hour
        outcome = {"Status": "FAILED", "Reason": redacted_text(f"{type(error).__name__}: {error}")[:1000]}
    failed = outcome["Status"] == "FAILED"
    log(
        "ensure_tables",
        outcome["Reason"] or "the tables match the catalogue",
        level="ERROR" if failed else "INFO",
        status="failed" if failed else "ok",
        request_type=event["RequestType"],
    )
    _respond(event, {**outcome, "PhysicalResourceId": f"lake-tables-{properties['Database']}"})


def ensure(properties: Mapping[str, str]) -> None:
    """Create missing tables and views of Silver and Gold; of existing ones, update what differs but the location."""
    tables = glue_tables(
        database=properties["Database"],
        bronze_bucket=properties["BronzeBucket"],
        silver_bucket=properties["SilverBucket"],
        gold_bucket=properties["GoldBucket"],
    )
    # CloudFormation owns Bronze's tables: their locations never move.
    published = [table for table in tables if table["Name"] not in BRONZE_TABLES]
    sync_tables(client("glue"), properties["Database"], published)


def _respond(event: Mapping[str, Any], outcome: Mapping[str, str]) -> None:
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")} | dict(outcome)
    request = urllib.request.Request(  # noqa: S310  the address comes from CloudFormation
        event["ResponseURL"], data=json.dumps(answer).encode(), method="PUT", headers={"Content-Type": ""}
    )
    urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS).close()  # noqa: S310
