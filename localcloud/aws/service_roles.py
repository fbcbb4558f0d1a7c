"""Services that act as a role, or that a resource has to let in.

Hole closed: ministack calls functions and services, starts executions, reads streams, subscribes logs and writes those
of functions without looking at the role that a service was given. Here each is decided (`decisions`), and refused as
AWS refuses it: API Gateway answers 500, an execution fails, a rule's target is not invoked, a mapping or subscription
is not created, and a function leaves no line.
"""

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from ministack import app as ministack_app
from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import (
    apigateway_v1,
    cloudwatch,
    cloudwatch_logs,
    eventbridge,
    lambda_svc,
    stepfunctions,
)
from ministack.services.cloudformation import provisioners

from localcloud.aws import request_resources
from localcloud.aws.decisions import AccessDenied, resource_must, role_must
from localcloud.aws.protocol import Handler, Response, error_response

INVOKE = "lambda:InvokeFunction"
READ_STREAM = [f"dynamodb:{verb}" for verb in ("DescribeStream", "GetRecords", "GetShardIterator")]
PUT_RECORDS = ["firehose:PutRecord", "firehose:PutRecordBatch"]
USE_KEY = ["kms:Decrypt", "kms:GenerateDataKey"]
WRITE_LOG = ["logs:CreateLogStream", "logs:PutLogEvents"]
DEFAULT_POLICY = (
    "__default_policy_ID"  # of a topic without one of its own: lets in whatever acts for the account
)
MAPPING, FUNCTION = "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Function"
_acting: ContextVar[str] = ContextVar("acting", default="")  # role of the execution that this thread runs


def install() -> None:
    """Ask before each of these acts."""
    for close in (
        *(_gateway, _executions, _rules, _functions, _logs_of_functions),
        *(_mappings, _subscriptions, _alarms),
    ):
        close()


def _function_arn(reference: str) -> str:
    return reference if reference.startswith("arn:") else str(lambda_svc._func_arn(reference))


def _gateway() -> None:
    invoke = apigateway_v1._invoke_lambda_proxy_v1

    async def invoke_if_allowed(
        integration: dict[str, Any], api_id: str, *more: Any, **options: Any
    ) -> Response:
        reference = apigateway_v1._extract_lambda_ref_from_integration_uri(integration.get("uri", ""))
        function, service, role = (
            _function_arn(reference),
            "apigateway.amazonaws.com",
            integration.get("credentials"),
        )
        try:
            if role:
                role_must(role, service, [INVOKE], function, "API Gateway")
            else:
                stage, _, _, path, method, *_ = more
                source = (
                    f"arn:aws:execute-api:{get_region()}:{get_account_id()}:{api_id}/{stage}/{method}{path}"
                )
                resource_must(service, INVOKE, function, source, "API Gateway")
        except AccessDenied:
            return 500, {"Content-Type": "application/json"}, b'{"message": "Internal server error"}'
        response: Response = await invoke(integration, api_id, *more, **options)
        return response

    apigateway_v1._invoke_lambda_proxy_v1 = invoke_if_allowed


def _executions() -> None:
    run, call = stepfunctions._run_execution, stepfunctions._call_lambda

    def run_as_role(execution_arn: str) -> None:
        execution = stepfunctions._executions.get(execution_arn) or {}
        machine = stepfunctions._state_machines.get(execution.get("stateMachineArn", "")) or {}
        _acting.set(machine.get("roleArn", ""))
        run(execution_arn)

    def call_if_allowed(reference: str, event: Any) -> Any:
        try:
            role_must(
                _acting.get(), "states.amazonaws.com", [INVOKE], _function_arn(reference), "Step Functions"
            )
        except AccessDenied as denied:
            raise stepfunctions._ExecutionError("Lambda.AWSLambdaException", str(denied)) from denied
        return call(reference, event)

    stepfunctions._run_execution, stepfunctions._call_lambda = run_as_role, call_if_allowed
    _calls_of_executions()


def _calls_of_executions() -> None:
    """A state `aws-sdk:…` calls a service in the role of its machine."""
    send, integrate = ministack_app.call_service_handler_sync, stepfunctions._invoke_aws_sdk_integration

    def send_if_allowed(
        handler: Handler, method: str, path: str, headers: dict[str, str], body: bytes, query: Any, *more: Any
    ) -> Response:
        if role := _acting.get():
            service = headers["authorization"].split("/")[3]  # of the credential
            about = (service, method, path, headers, body, query)
            action = iam_actions.extract_iam_action(*about)
            resource = iam_actions.extract_resource_arn(*about, get_region(), get_account_id())
            for each in (resource, *request_resources.current().others):
                role_must(role, "states.amazonaws.com", [action] if action else [], each, "Step Functions")
        answer: Response = send(handler, method, path, headers, body, query, *more)
        return answer

    def integrate_if_allowed(resource: str, data: Any) -> Any:
        try:
            return integrate(resource, data)
        except AccessDenied as denied:
            code = stepfunctions._prefix_sdk_error(resource.split(":")[6], "AccessDeniedException")
            raise stepfunctions._ExecutionError(code, str(denied)) from denied

    ministack_app.call_service_handler_sync = send_if_allowed
    stepfunctions._invoke_aws_sdk_integration = integrate_if_allowed


def _rules() -> None:
    invoke = eventbridge._invoke_target

    def invoke_if_allowed(target: dict[str, Any], event: Any, rule: dict[str, Any], *more: Any) -> None:
        arn, service, via = target.get("Arn", ""), "events.amazonaws.com", "EventBridge"
        try:
            if ":states:" in arn:
                role_must(target.get("RoleArn", ""), service, ["states:StartExecution"], arn, via)
            elif ":lambda:" in arn:
                resource_must(service, INVOKE, arn, str(rule.get("Arn", "")), via)
        except AccessDenied:
            return  # AWS only counts a failed invocation
        invoke(target, event, rule, *more)

    eventbridge._invoke_target = invoke_if_allowed


def _functions() -> None:
    """Lambda creates no function whose role does not trust it."""

    def check(role: str) -> None:
        role_must(role, "lambda.amazonaws.com", [], "", "Lambda")

    create = lambda_svc._create_function

    def create_if_allowed(data: dict[str, Any], *more: Any) -> Response:
        try:
            check(data.get("Role", ""))
        except AccessDenied:
            reason = "The role defined for the function cannot be assumed by Lambda."
            return error_response("InvalidParameterValueException", reason, 400)
        response: Response = create(data, *more)
        return response

    lambda_svc._create_function = create_if_allowed
    before_creation(FUNCTION, lambda props: check(props.get("Role", "")))


def _logs_of_functions() -> None:
    """Lambda writes a function's log in the function's role; without the grant there is none."""
    write = lambda_svc._emit_lambda_logs

    def write_if_allowed(function: dict[str, Any], *more: Any, **options: Any) -> None:
        config = function.get("config") or function
        named = (config.get("LoggingConfig") or {}).get("LogGroup")
        group = named or f"/aws/lambda/{config.get('FunctionName')}"
        arn = f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{group}:*"
        new = [] if group in cloudwatch_logs._log_groups else ["logs:CreateLogGroup"]
        try:
            role_must(config.get("Role", ""), "lambda.amazonaws.com", [*new, *WRITE_LOG], arn, "Lambda's log")
        except AccessDenied:
            return  # the function has run all the same
        write(function, *more, **options)

    lambda_svc._emit_lambda_logs = write_if_allowed


def _mappings() -> None:
    """Lambda creates no mapping whose role cannot read the stream or reach the destination of failures."""

    def check(properties: dict[str, Any]) -> None:
        function, *_ = lambda_svc._get_func_record_for_ref(properties.get("FunctionName", ""))
        role = function["config"]["Role"] if function else ""
        source = properties.get("EventSourceArn", "")
        failures = ((properties.get("DestinationConfig") or {}).get("OnFailure") or {}).get("Destination", "")
        service, via = "lambda.amazonaws.com", "event source mapping"
        if ":dynamodb:" in source:
            role_must(role, service, READ_STREAM, source, via)
            role_must(role, service, ["dynamodb:ListStreams"], "*", via)
        if ":sqs:" in failures:
            role_must(role, service, ["sqs:SendMessage"], failures, via)

    create = lambda_svc._create_esm

    def create_if_allowed(data: dict[str, Any]) -> Response:
        try:
            check(data)
        except AccessDenied as denied:
            return error_response("InvalidParameterValueException", f"Cannot access stream: {denied}", 400)
        response: Response = create(data)
        return response

    lambda_svc._create_esm = create_if_allowed
    before_creation(MAPPING, check)


def before_creation(kind: str, check: Callable[[dict[str, Any]], None]) -> None:
    """Check a resource of CloudFormation before it is created, because ministack creates it past the service's API."""
    handlers = provisioners._RESOURCE_HANDLERS
    create = handlers[kind]["create"]

    def create_if_allowed(logical_id: str, props: dict[str, Any], stack_name: str) -> Any:
        check(props)
        return create(logical_id, props, stack_name)

    handlers[kind] = {**handlers[kind], "create": create_if_allowed}


def _subscriptions() -> None:
    put = cloudwatch_logs._put_subscription_filter

    def put_if_allowed(data: dict[str, Any]) -> Response:
        arn = data.get("destinationArn", "")
        try:
            if ":firehose:" in arn:
                role_must(data.get("roleArn", ""), "logs.amazonaws.com", PUT_RECORDS, arn, "log subscription")
        except AccessDenied as denied:
            return error_response(
                "InvalidParameterException", f"Could not deliver test message. {denied}", 400
            )
        response: Response = put(data)
        return response

    cloudwatch_logs._put_subscription_filter = put_if_allowed


def _alarms() -> None:
    """An alarm reaches a topic whose policy, and whose key's policy, let CloudWatch in."""
    dispatch = cloudwatch._dispatch_alarm_actions
    fields = ("AlarmActions", "OKActions", "InsufficientDataActions")

    def dispatch_allowed(alarm: dict[str, Any], *more: Any) -> None:
        allowed = {
            field: [arn for arn in alarm.get(field) or [] if _may_publish(arn, alarm)] for field in fields
        }
        dispatch({**alarm, **allowed}, *more)

    cloudwatch._dispatch_alarm_actions = dispatch_allowed


def _may_publish(topic_arn: str, alarm: dict[str, Any]) -> bool:
    from ministack.services import sns

    topic = sns._topics.get(topic_arn)
    if topic is None:
        return True
    service, source, via = "cloudwatch.amazonaws.com", str(alarm.get("AlarmArn", "")), "alarm"
    key, policy = topic["attributes"].get("KmsMasterKeyId", ""), topic["attributes"].get("Policy") or ""
    try:
        if policy and DEFAULT_POLICY not in policy:
            resource_must(service, "sns:Publish", topic_arn, source, via)
        if key.startswith("arn:"):
            for action in USE_KEY:
                resource_must(service, action, key, source, via)
    except AccessDenied:
        return False
    return True
