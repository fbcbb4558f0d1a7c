"""The Athena API: executions, result files, result pages."""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlparse

from ministack.core.responses import AccountRegionScopedDict
from ministack.services import athena, s3

from localcloud.aws.athena import engine, permissions, results
from localcloud.aws.athena.errors import QueryError, ScanLimitError
from localcloud.aws.decisions import AccessDenied
from localcloud.aws.protocol import Handler, Response, error_response, json_response, operation

PATIENCE = (
    0.15  # seconds that StartQueryExecution waits, so that a client's first poll finds a quick query finished
)
KEPT = 500
PAGE = 1000
_running: set[asyncio.Task[None]] = set()


def install() -> None:
    """Patch the Athena module."""
    others: Handler = athena.handle_request
    get_state: Callable[[], dict[str, Any]] = athena.get_state

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: Any
    ) -> Response:
        if operation(headers) == "StartQueryExecution":
            athena._ensure_default_workgroup()
            return await start(json.loads(body))
        return await others(method, path, headers, body, query)

    def state_without_executions() -> dict[str, Any]:
        """Leave executions out: JSON cannot hold their results, and clients repeat their queries anyway."""
        kept, athena._executions = athena._executions, AccountRegionScopedDict()
        try:
            return get_state()
        finally:
            athena._executions = kept

    athena.handle_request = handle_request
    athena.get_state = state_without_executions
    athena._get_query_results = get_query_results
    athena._stop_query_execution = stop_query_execution


async def start(data: dict[str, Any]) -> Response:
    """StartQueryExecution."""
    name = data.get("WorkGroup") or "primary"
    workgroup = athena._workgroups.get(name)
    if workgroup is None:
        return error_response("InvalidRequestException", f"WorkGroup {name} is not found.", 400)
    location = _output_location(workgroup, data)
    if not location:
        reason = "No output location provided. An output location is required either through the Workgroup "
        reason += "result configuration setting or as an API input."
        return error_response("InvalidRequestException", reason, 400)
    execution = _execution(name, location, data)
    athena._executions[execution["QueryExecutionId"]] = execution
    _forget_oldest()
    task = asyncio.create_task(_execute(execution))
    _running.add(task)
    task.add_done_callback(_running.discard)
    await asyncio.wait({task}, timeout=PATIENCE)
    return json_response({"QueryExecutionId": execution["QueryExecutionId"]})


def _output_location(workgroup: dict[str, Any], data: dict[str, Any]) -> str:
    configuration = workgroup.get("Configuration") or {}
    own = (configuration.get("ResultConfiguration") or {}).get("OutputLocation") or ""
    wanted = (data.get("ResultConfiguration") or {}).get("OutputLocation") or ""
    location = own if configuration.get("EnforceWorkGroupConfiguration") and own else wanted or own
    return location if not location or location.endswith("/") else f"{location}/"


def _execution(workgroup: str, location: str, data: dict[str, Any]) -> dict[str, Any]:
    context = data.get("QueryExecutionContext") or {}
    kind = athena._detect_statement_type(data["QueryString"])
    query_id = athena.new_uuid()
    version = "Athena engine version 3"
    return {
        "QueryExecutionId": query_id,
        "Query": data["QueryString"],
        "StatementType": kind,
        "ResultConfiguration": {
            "OutputLocation": f"{location}{query_id}.{'csv' if kind == 'DML' else 'txt'}"
        },
        "QueryExecutionContext": {
            "Database": context.get("Database", "default"),
            "Catalog": context.get("Catalog", "AwsDataCatalog"),
        },
        "Status": {"State": "QUEUED", "SubmissionDateTime": time.time()},
        "Statistics": {
            "EngineExecutionTimeInMillis": 0,
            "DataScannedInBytes": 0,
            "TotalExecutionTimeInMillis": 0,
        },
        "WorkGroup": workgroup,
        "EngineVersion": {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": version},
        **({"ExecutionParameters": data["ExecutionParameters"]} if data.get("ExecutionParameters") else {}),
    }


def _forget_oldest() -> None:
    """Keep the newest executions of all accounts; older results stay in S3."""
    executions = athena._executions._data
    for key in list(executions)[: max(0, len(executions) - KEPT)]:
        del executions[key]


async def _execute(execution: dict[str, Any]) -> None:
    status = execution["Status"]
    status["State"] = "RUNNING"
    began = time.monotonic()
    try:
        result = await _result(execution)
        _save(execution, result)
        execution["_result"] = result
        execution["Statistics"]["DataScannedInBytes"] = result.scanned
        _finish(status, "SUCCEEDED")
    except ScanLimitError:
        _finish(status, "CANCELLED", "Bytes scanned limit was exceeded")
    except QueryError as error:
        _finish(status, "FAILED", str(error))
    except Exception as error:  # noqa: BLE001 - the execution fails, not the server
        athena.logger.exception("query %s", execution["QueryExecutionId"])
        _finish(status, "FAILED", f"GENERIC_INTERNAL_ERROR: {error}")
    elapsed = int((time.monotonic() - began) * 1000)
    execution["Statistics"] |= {"EngineExecutionTimeInMillis": elapsed, "TotalExecutionTimeInMillis": elapsed}


def _finish(status: dict[str, Any], state: str, reason: str = "") -> None:
    if status["State"] == "CANCELLED":
        return
    status.update(State=state, CompletionDateTime=time.time())
    if reason:
        status["StateChangeReason"] = reason
        category = 1 if reason.startswith("GENERIC_INTERNAL") else 2
        status["AthenaError"] = {"ErrorCategory": category, "ErrorMessage": reason, "Retryable": False}


async def _result(execution: dict[str, Any]) -> results.Result:
    database = execution["QueryExecutionContext"]["Database"]
    ddl = athena._parse_ddl(execution["Query"])
    if ddl is not None:
        try:
            athena._run_ddl(ddl, database)
        except ValueError as error:
            raise QueryError("FAILED", str(error)) from error
        return results.Result([], [])
    return await engine.run(
        execution["Query"], database, execution.get("ExecutionParameters") or [], execution
    )


def _save(execution: dict[str, Any], result: results.Result) -> None:
    """Write the result file to the execution's output location."""
    permissions.write_result(execution["ResultConfiguration"]["OutputLocation"])
    target = urlparse(execution["ResultConfiguration"]["OutputLocation"])
    if execution["StatementType"] == "DML":
        content, kind = results.csv(result), "application/octet-stream"
    else:
        content, kind = "".join(f"{row[0]}\n" for row in result.rows).encode(), "text/plain"
    headers = {"content-type": kind, "content-length": str(len(content))}
    status, _, _ = s3._put_object(target.netloc, target.path.lstrip("/"), content, headers)
    if status >= 300:
        raise QueryError("INVALID_OUTPUT_LOCATION", f"Unable to verify/create output bucket {target.netloc}")


def get_query_results(data: dict[str, Any]) -> Response:
    """GetQueryResults: pages of at most 1,000 rows; the first row of a SELECT has the column names."""
    query_id = data.get("QueryExecutionId")
    execution = athena._executions.get(query_id)
    if execution is None:
        return error_response("InvalidRequestException", f"QueryExecution {query_id} was not found", 400)
    status = execution["Status"]
    if status["State"] != "SUCCEEDED":
        reason = f"Query did not finish successfully. Final query state: {status['State']}"
        return error_response("InvalidRequestException", reason, 400)
    try:
        permissions.read_result(execution["ResultConfiguration"]["OutputLocation"])
    except AccessDenied as denied:
        return error_response("InvalidRequestException", str(denied), 400)
    result: results.Result = execution["_result"]
    rows: list[list[str | None]] = result.rows
    if execution["StatementType"] == "DML":
        rows = [[column.name for column in result.columns], *rows]
    begin = int(data.get("NextToken") or 0)
    end = begin + min(int(data.get("MaxResults") or PAGE), PAGE)
    page = [
        {"Data": [{} if cell is None else {"VarCharValue": cell} for cell in row]} for row in rows[begin:end]
    ]
    metadata = {"ColumnInfo": [column.info() for column in result.columns]}
    return json_response(
        {
            "ResultSet": {"Rows": page, "ResultSetMetadata": metadata},
            "UpdateCount": 0,
            **({"NextToken": str(end)} if end < len(rows) else {}),
        }
    )


def stop_query_execution(data: dict[str, Any]) -> Response:
    """StopQueryExecution: interrupt the running DuckDB query."""
    execution = athena._executions.get(data.get("QueryExecutionId"))
    if execution is not None and execution["Status"]["State"] in ("QUEUED", "RUNNING"):
        execution["Status"] |= {
            "State": "CANCELLED",
            "StateChangeReason": "Query cancelled by user",
            "CompletionDateTime": time.time(),
        }
        with contextlib.suppress(KeyError):
            execution["_cursor"].interrupt()
    return json_response({})
