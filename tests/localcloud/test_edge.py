"""CloudFront's requests to a gateway and a bucket, the gateway's log, and log lines on their way to Firehose."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any

import pytest

from etl.lake.catalog import COMPONENT_LINES, REQUEST_LINES
from localcloud.filter_pattern import matches
from localcloud.server import LocalAws
from tests.localcloud.conftest import ClientOf
from tests.localcloud.functions import make_function, make_gateway
from tests.localcloud.roles import allow, make_role

PATIENCE_SECONDS = 30
ACCOUNT = "000000000000"
CACHING_DISABLED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
LINE = (
    '{"component":"gateway","operation":"$context.httpMethod $context.resourcePath",'
    '"status":$context.status,"x":"$context.error.responseType"}'
)


@pytest.mark.parametrize(
    ("line", "matched"),
    [
        ('{"component": "etl"}', True),
        ('{"component": ""}', True),
        ('{"component": null}', False),
        ('{"component": 7}', False),
        ('{"message": "request"}', False),
        ('["component"]', False),
        ("START RequestId: component", False),
        ("", False),
        (json.dumps({"component": "x" * 300_000}), False),
    ],
)
def test_lines_of_a_component(line: str, matched: bool) -> None:
    assert matches(COMPONENT_LINES, line) is matched


def test_request_lines_and_patterns_that_are_not_known() -> None:
    assert matches(REQUEST_LINES, '{"message": "request"}')
    assert not matches(REQUEST_LINES, '{"message": "requests"}')
    with pytest.raises(ValueError, match="only patterns"):
        matches("ERROR", "ERROR")


def eventually(look: Any) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def get(server: LocalAws, host: str, path: str, **headers: str) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", path, headers={"Host": f"{host}:{server.port}", **headers})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def gateway(server: LocalAws, shared: ClientOf, name: str) -> str:
    """An API whose stage `live` gives everything to a function, which answers with what came in."""
    function = make_function(shared, name, make_role(shared, f"{name}-function", "lambda.amazonaws.com"))
    invoke = allow(["lambda:InvokeFunction"], function)
    role = make_role(shared, f"{name}-invoke", "apigateway.amazonaws.com", invoke)
    return make_gateway(server, shared, name, function, role).api


def viewer_address(shared: ClientOf, name: str) -> str:
    """The published function that writes the viewer's address into a header; return its ARN."""
    client = shared("cloudfront")
    code = (
        'function handler(event) { event.request.headers["x-viewer-address"] = '
        "{ value: event.viewer.ip }; return event.request; }"
    )
    made = client.create_function(
        Name=name,
        FunctionConfig={"Comment": "", "Runtime": "cloudfront-js-2.0"},
        FunctionCode=code.encode(),
    )
    client.publish_function(Name=name, IfMatch=made["ETag"])
    arn: str = made["FunctionSummary"]["FunctionMetadata"]["FunctionARN"]
    return arn


def distribution(shared: ClientOf, api: str, bucket: str, name: str) -> dict[str, Any]:
    client = shared("cloudfront")
    control = {
        "Name": name,
        "SigningProtocol": "sigv4",
        "SigningBehavior": "always",
        "OriginAccessControlOriginType": "s3",
    }
    access = client.create_origin_access_control(OriginAccessControlConfig=control)["OriginAccessControl"][
        "Id"
    ]
    methods = {"Quantity": 2, "Items": ["GET", "HEAD"]}
    behaviour = {
        "TargetOriginId": "gateway",
        "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": CACHING_DISABLED,
    }
    behaviour |= {"OriginRequestPolicyId": ALL_BUT_HOST, "AllowedMethods": methods}
    on_request = {"FunctionARN": viewer_address(shared, name), "EventType": "viewer-request"}
    behaviour["FunctionAssociations"] = {"Quantity": 1, "Items": [on_request]}
    secret = {"HeaderName": "X-Origin-Secret", "HeaderValue": "the-secret"}
    protocol = {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}
    origins = [
        {
            "Id": "gateway",
            "DomainName": f"{api}.execute-api.us-east-1.amazonaws.com",
            "OriginPath": "/live",
            "CustomHeaders": {"Quantity": 1, "Items": [secret]},
            "CustomOriginConfig": protocol,
        },
        {
            "Id": "static",
            "DomainName": f"{bucket}.s3.us-east-1.amazonaws.com",
            "OriginAccessControlId": access,
            "S3OriginConfig": {"OriginAccessIdentity": ""},
        },
    ]
    static = {**behaviour, "PathPattern": "/static/*", "TargetOriginId": "static"}
    del static["OriginRequestPolicyId"], static["FunctionAssociations"]
    config = {
        "CallerReference": name,
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 2, "Items": origins},
        "DefaultCacheBehavior": behaviour,
        "CacheBehaviors": {"Quantity": 1, "Items": [static]},
    }
    found: dict[str, Any] = client.create_distribution(DistributionConfig=config)["Distribution"]
    return found


def test_a_viewer_reaches_gateway_and_bucket_through_the_distribution(
    shared: ClientOf, shared_aws: LocalAws, name: str
) -> None:
    shared("s3").create_bucket(Bucket=name)
    shared("s3").put_object(Bucket=name, Key="static/a.css", Body=b"a {}", ContentType="text/css")
    api = gateway(shared_aws, shared, name)
    made = distribution(shared, api, name, name)
    host = made["DomainName"].replace(".net", ".localhost")
    sent = {"X-Origin-Secret": "forged", "X-Viewer-Address": "203.0.113.9"}
    sent |= {"Cookie": "a=1; b=2", "Authorization": "Bearer x"}
    answer, body = get(shared_aws, host, "/tasks/?q=a%20b", **sent)
    assert answer.status == 200, body
    event = json.loads(body)
    assert event["path"] == "/tasks/"
    assert event["queryStringParameters"] == {"q": "a b"}
    came = {name.lower(): value for name, value in event["headers"].items()}
    assert came["x-origin-secret"] == "the-secret"
    assert came["x-viewer-address"] == "127.0.0.1"
    assert came["host"] == f"{api}.execute-api.us-east-1.amazonaws.com"
    assert came["cookie"] == "a=1; b=2"
    assert came["authorization"] == "Bearer x"
    assert answer.headers["X-Cache"].endswith("from cloudfront")
    for path in (
        "/health",
        "/login",
        "/.well-known/x",
        "/_ministack/ready",
    ):  # ministack's own, on other hosts
        assert json.loads(get(shared_aws, host, path)[1])["path"] == path
    assert get(shared_aws, host, "/static/a.css")[0].status == 403  # nobody has let CloudFront in
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "cloudfront.amazonaws.com"},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{name}/*",
        "Condition": {"StringEquals": {"AWS:SourceArn": made["ARN"]}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    shared("s3").put_bucket_policy(Bucket=name, Policy=policy)
    answer, body = get(shared_aws, host, "/static/a.css")
    assert (answer.status, body, answer.headers["Content-Type"]) == (200, b"a {}", "text/css")


def log_stream(shared: ClientOf, name: str) -> str:
    """A delivery stream that writes the lines of log subscriptions to the bucket `name`; return its ARN."""
    shared("s3").create_bucket(Bucket=name)
    insecure = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    shared("s3").put_bucket_policy(
        Bucket=name, Policy=json.dumps({"Version": "2012-10-17", "Statement": [insecure]})
    )
    role = make_role(shared, f"{name}-firehose", "firehose.amazonaws.com", allow(["s3:*"], "*"))
    opened = [
        {
            "Type": "Decompression",
            "Parameters": [{"ParameterName": "CompressionFormat", "ParameterValue": "GZIP"}],
        },
        {
            "Type": "CloudWatchLogProcessing",
            "Parameters": [{"ParameterName": "DataMessageExtraction", "ParameterValue": "true"}],
        },
    ]
    destination = {
        "RoleARN": role,
        "BucketARN": f"arn:aws:s3:::{name}",
        "Prefix": "lines/",
        "ProcessingConfiguration": {"Enabled": True, "Processors": opened},
    }
    made = shared("firehose").create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination
    )
    arn: str = made["DeliveryStreamARN"]
    return arn


def delivered(shared: ClientOf, name: str) -> list[str]:
    found = shared("s3").list_objects_v2(Bucket=name, Prefix="lines/").get("Contents", [])
    bodies = [shared("s3").get_object(Bucket=name, Key=each["Key"])["Body"].read() for each in found]
    return [line for body in bodies for line in body.decode().splitlines()]


def test_requests_through_a_gateway_are_logged_and_its_lines_reach_s3(
    shared: ClientOf, shared_aws: LocalAws, name: str
) -> None:
    api, stream, group = (
        gateway(shared_aws, shared, name),
        log_stream(shared, name),
        f"/aws/apigateway/{name}",
    )
    shared("logs").create_log_group(logGroupName=group)
    subscriber = make_role(
        shared,
        f"{name}-logs",
        "logs.amazonaws.com",
        allow(["firehose:PutRecord", "firehose:PutRecordBatch"], stream),
    )
    shared("logs").put_subscription_filter(
        logGroupName=group,
        filterName="lines",
        filterPattern=COMPONENT_LINES,
        destinationArn=stream,
        roleArn=subscriber,
    )
    writer = make_role(
        shared,
        f"{name}-gateway",
        "apigateway.amazonaws.com",
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], "*"),
    )
    account = {"op": "replace", "path": "/cloudwatchRoleArn", "value": writer}
    shared("apigateway").update_account(patchOperations=[account])
    arn = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}"
    values = {"destinationArn": arn, "format": LINE}
    shared("apigateway").update_stage(
        restApiId=api,
        stageName="live",
        patchOperations=[
            {"op": "replace", "path": f"/accessLogSettings/{field}", "value": value}
            for field, value in values.items()
        ],
    )
    assert (
        get(shared_aws, f"{api}.execute-api.localhost", "/live/calendar/a-secret-token.ics")[0].status == 200
    )
    (line,) = eventually(lambda: delivered(shared, name))
    assert json.loads(line) == {
        "component": "gateway",
        "operation": "GET /{proxy+}",
        "status": 200,
        "x": "-",
    }


def test_only_matching_lines_are_delivered(shared: ClientOf, name: str) -> None:
    stream = log_stream(shared, name)
    role = make_role(shared, f"{name}-logs", "logs.amazonaws.com", allow(["firehose:*"], stream))
    logs = shared("logs")
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="one")
    logs.put_subscription_filter(
        logGroupName=name, filterName="f", filterPattern=REQUEST_LINES, destinationArn=stream, roleArn=role
    )
    wanted = '{"message": "request", "n": 1}'
    lines = ["START RequestId: request message", '{"message": "file"}', wanted]
    now = round(time.time() * 1000)
    logs.put_log_events(
        logGroupName=name,
        logStreamName="one",
        logEvents=[{"timestamp": now, "message": line} for line in lines],
    )
    assert eventually(lambda: delivered(shared, name)) == [wanted]
