"""Looks at what a deployed stage does beside answering requests: metrics, alarms, and the logs in the lake."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime

import boto3

from infra import tools
from infra.settings import METRICS_NAMESPACE

LOG_SECONDS = 400  # Firehose delivers the lines of five minutes at a time
PAUSE_SECONDS, QUERY_PAUSE_SECONDS = 5, 0.5


def metrics(function: str) -> int:
    """Run the function that publishes the business metrics; return how many metrics there are.

    Raises
    ------
    tools.ToolError
        If it fails, or publishes nothing.
    """
    answer = boto3.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    said = answer["Payload"].read().decode(errors="replace")
    if "FunctionError" in answer:
        raise tools.ToolError(f"{function} failed: {said[:500]}")
    pages = boto3.client("cloudwatch").get_paginator("list_metrics").paginate(Namespace=METRICS_NAMESPACE)
    found = {metric["MetricName"] for page in pages for metric in page["Metrics"]}
    if "TotalUsers" not in found:
        raise tools.ToolError(
            f"{function} published {sorted(found) or 'no metric'}, not TotalUsers: {said[:500]}"
        )
    return len(found)


def alarms(topic: str) -> int:
    """Check that every alarm tells `topic` (an ARN), and that none has gone off; return how many there are."""
    pages = boto3.client("cloudwatch").get_paginator("describe_alarms").paginate()
    found = [
        alarm
        for page in pages
        for kind in ("MetricAlarms", "CompositeAlarms")
        for alarm in page.get(kind, [])
    ]
    mute = [alarm["AlarmName"] for alarm in found if topic not in alarm["AlarmActions"]]
    raised = [
        f"{alarm['AlarmName']}: {alarm.get('StateReason')}"
        for alarm in found
        if alarm["StateValue"] == "ALARM"
    ]
    if not found or mute or raised:
        raise tools.ToolError(f"{len(found)} alarms; they tell nobody: {mute}; they went off: {raised}")
    return len(found)


def logs(database: str, workgroup: str, components: Iterable[str]) -> None:
    """Wait until Athena reads a line of today of each component's log.

    Raises
    ------
    tools.ToolError
        If one has not arrived after `LOG_SECONDS`; the message says which.
    """
    wanted, deadline = set(components), time.monotonic() + LOG_SECONDS
    day = f"year = '{datetime.now(UTC):%Y}' AND month = '{datetime.now(UTC):%m}'"
    sql = f"SELECT DISTINCT component FROM requests WHERE {day}"  # noqa: S608
    while missing := wanted - _column(database, workgroup, sql):
        if time.monotonic() > deadline:
            raise tools.ToolError(f"The lake has no log line of {', '.join(sorted(missing))}")
        time.sleep(PAUSE_SECONDS)


def _column(database: str, workgroup: str, sql: str) -> set[str]:
    """Return the values of a query's only column. Raises ToolError if the query fails."""
    athena = boto3.client("athena")
    context = {"Database": database}
    query = athena.start_query_execution(QueryString=sql, QueryExecutionContext=context, WorkGroup=workgroup)
    asked = {"QueryExecutionId": query["QueryExecutionId"]}
    while True:
        status = athena.get_query_execution(**asked)["QueryExecution"]["Status"]
        if status["State"] in {"FAILED", "CANCELLED"}:
            raise tools.ToolError(f"{sql}: {status.get('StateChangeReason', status['State'])}")
        if status["State"] == "SUCCEEDED":
            break
        time.sleep(QUERY_PAUSE_SECONDS)
    rows = athena.get_query_results(**asked)["ResultSet"]["Rows"][1:]  # the first names the column
    return {row["Data"][0].get("VarCharValue", "") for row in rows}
