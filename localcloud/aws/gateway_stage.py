"""The access log of a gateway's stage.

Hole closed: ministack keeps a stage's settings for its access log, and writes none. Here each request becomes a line of
the stage's format in the log group, written in the role that the account gave API Gateway; without such a role the
settings are refused.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import apigateway_v1, cloudwatch_logs

from localcloud.aws.decisions import AccessDenied, role_must
from localcloud.aws.protocol import Response

SERVICE = "apigateway.amazonaws.com"
WRITE = ["logs:CreateLogStream", "logs:PutLogEvents"]
NO_ROLE = "CloudWatch Logs role ARN must be set in account settings to enable logging"
_VARIABLE = re.compile(r"\$context\.[\w.]*\w")


def install() -> None:
    """Patch how a stage's settings are changed, and how a request is answered."""
    update: Callable[..., Response] = apigateway_v1._update_stage
    handle: Callable[..., Any] = apigateway_v1._handle_execute_in_scope

    def update_if_allowed(api_id: str, stage_name: str, data: dict[str, Any]) -> Response:
        paths = [each.get("path", "") for each in data.get("patchOperations", ())]
        if any(path.startswith("/accessLogSettings") for path in paths) and not _role():
            refusal: Response = apigateway_v1._v1_error("BadRequestException", NO_ROLE, 400)
            return refusal
        return update(api_id, stage_name, data)

    async def handle_and_log(api_id: str, stage_name: str, method: str, path: str, *more: Any) -> Response:
        started = time.perf_counter()
        answer: Response = await handle(api_id, stage_name, method, path, *more)
        settings = (apigateway_v1._stages_v1.get(api_id, {}).get(stage_name) or {}).get("accessLogSettings")
        if settings and settings.get("destinationArn"):
            milliseconds = round((time.perf_counter() - started) * 1000)
            values = {
                "requestId": new_uuid(),
                "requestTimeEpoch": str(round(time.time() * 1000)),
                "httpMethod": method,
                "resourcePath": _resource(api_id, path),
                "status": str(answer[0]),
                "responseLatency": str(milliseconds),
                "responseLength": str(len(answer[2])),
            }
            _write(settings, values)
        return answer

    apigateway_v1._update_stage, apigateway_v1._handle_execute_in_scope = update_if_allowed, handle_and_log


def _role() -> str:
    return str((apigateway_v1._account_settings.get("settings") or {}).get("cloudwatchRoleArn") or "")


def _resource(api_id: str, path: str) -> str:
    found, _ = apigateway_v1._match_resource_tree(api_id, [part for part in path.split("/") if part])
    return str(found["path"]) if found else "-"


def _write(settings: dict[str, str], values: dict[str, str]) -> None:
    """Write one line; AWS writes "-" for a variable without a value."""
    line = _VARIABLE.sub(
        lambda found: values.get(found[0].removeprefix("$context."), "-"), settings["format"]
    )
    group = settings["destinationArn"].rpartition(":log-group:")[2]
    arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}:*"
    try:
        role_must(_role(), SERVICE, WRITE, arn, "access log")
    except AccessDenied:
        return  # the refusal is logged; AWS drops the line
    stream = f"{datetime.now(UTC):%Y/%m/%d}/access"
    cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    events = [{"timestamp": round(time.time() * 1000), "message": line}]
    cloudwatch_logs._put_log_events({"logGroupName": group, "logStreamName": stream, "logEvents": events})
