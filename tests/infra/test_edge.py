"""CloudFront's template, the gateway's stage, and the static files behind CloudFront."""

import fnmatch
import json
import re

import boto3
import pytest

from infra import edge
from infra.edge import CHALLENGE
from infra.edge_stack import SECRET_HEADER, VIEWER_HEADER
from infra.settings import ROOT, Settings
from localcloud.server import LocalAws
from tests.infra.cloud import REGION
from tests.infra.test_local import free_port

SHAPE = [
    *("timestamp", "level", "request_id", "user_id", "component"),
    *("operation", "duration_ms", "status", "message", "metadata"),
]
CACHING = {
    "disabled": "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
    "optimised": "658327ea-f89d-4fab-a63d-7e88639e58f6",
}
ALL_BUT_HOST = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
OWN = """
[domain]
name = "todo.example.com"
certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/12ab"
web_acl_arn = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/todo/34cd"
"""


def distribution(assembly):
    return assembly.one("AWS::CloudFront::Distribution")["DistributionConfig"]


def behaviour_of(config, path):
    """The behaviour for a path, as CloudFront chooses it: the first whose pattern fits, or the default one."""
    fitting = [each for each in config["CacheBehaviors"] if fnmatch.fnmatch(path, each["PathPattern"])]
    return [*fitting, config["DefaultCacheBehavior"]][0]


def origin_of(config, path):
    (found,) = (o for o in config["Origins"] if o["Id"] == behaviour_of(config, path)["TargetOriginId"])
    return found


@pytest.mark.parametrize("path", ["/", "/login/", "/api/v1/tasks", "/admin/", "/staticky", "/health"])
def test_pages_and_api_come_uncached_from_the_gateway(dev, path):
    config = distribution(dev)
    behaviour, origin = behaviour_of(config, path), origin_of(config, path)
    assert behaviour["CachePolicyId"] == CACHING["disabled"]
    assert behaviour["OriginRequestPolicyId"] == ALL_BUT_HOST
    assert set(behaviour["AllowedMethods"]) == {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"}
    assert behaviour["Compress"] is False
    assert behaviour["ViewerProtocolPolicy"] == "redirect-to-https"
    assert origin["DomainName"] == "<Api>.execute-api.us-east-1.amazonaws.com"
    assert origin["OriginPath"] == "/dev"
    assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
    assert origin["CustomOriginConfig"]["OriginSSLProtocols"] == ["TLSv1.2"]


@pytest.mark.parametrize("path", ["/", "/login/", "/api/v1/tasks"])
def test_the_viewers_address_is_written_over_whatever_the_viewer_sent(dev, path):
    (found,) = behaviour_of(distribution(dev), path)["FunctionAssociations"]
    assert found["EventType"] == "viewer-request"
    function = dev.one("AWS::CloudFront::Function")
    assert function["AutoPublish"] is True
    assert function["FunctionConfig"]["Runtime"] == "cloudfront-js-2.0"
    code = function["FunctionCode"]
    assert f'headers["{VIEWER_HEADER.lower()}"] = {{ value: event.viewer.ip }}' in code
    names = re.findall(r'VIEWER_HEADER = "HTTP_(\w+)"', (ROOT / "web" / "edge.py").read_text())
    assert names == [VIEWER_HEADER.upper().replace("-", "_")]


def test_static_files_come_compressed_from_a_bucket_that_only_cloudfront_reads(dev):
    config = distribution(dev)
    behaviour, origin = behaviour_of(config, "/static/css/a.css"), origin_of(config, "/static/css/a.css")
    assert behaviour["CachePolicyId"] == CACHING["optimised"]
    assert behaviour["Compress"] is True
    assert set(behaviour["AllowedMethods"]) == {"GET", "HEAD"}
    assert origin["OriginAccessControlId"]
    bucket = dev.one("AWS::S3::Bucket", BucketName="todo-dev-static-000000000000-us-east-1")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    (policy,) = dev.resources("AWS::S3::BucketPolicy", "EdgeStack").values()
    allowed = [s for s in policy["Properties"]["PolicyDocument"]["Statement"] if s["Effect"] == "Allow"]
    assert [s["Principal"] for s in allowed] == [{"Service": "cloudfront.amazonaws.com"}]
    assert [s["Action"] for s in allowed] == ["s3:GetObject"]
    assert ":distribution/" in allowed[0]["Condition"]["StringEquals"]["AWS:SourceArn"]


def test_static_files_have_security_headers(dev):
    policies = dev.resources("AWS::CloudFront::ResponseHeadersPolicy")
    ref = behaviour_of(distribution(dev), "/static/a.css")["ResponseHeadersPolicyId"].strip("<>")
    found = policies[ref]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert set(found) == {"ContentTypeOptions", "FrameOptions", "ReferrerPolicy", "StrictTransportSecurity"}


def test_answers_of_the_api_name_the_way_to_sign_in(dev):
    """API Gateway renames the function's header; the value is the one that the function gives a 401."""
    policies = dev.resources("AWS::CloudFront::ResponseHeadersPolicy")
    ref = behaviour_of(distribution(dev), "/api/v1/tasks")["ResponseHeadersPolicyId"].strip("<>")
    (item,) = policies[ref]["Properties"]["ResponseHeadersPolicyConfig"]["CustomHeadersConfig"]["Items"]
    assert (item["Header"], item["Value"]) == ("WWW-Authenticate", CHALLENGE)
    problems = (ROOT / "web" / "problems.py").read_text()
    assert f"CHALLENGE = '{CHALLENGE}'" in problems


def test_cloudfront_sends_a_secret_that_no_template_holds(dev):
    (header,) = origin_of(distribution(dev), "/")["OriginCustomHeaders"]
    assert header["HeaderName"] == SECRET_HEADER
    assert header["HeaderValue"] == "{{resolve:secretsmanager:<Proof>}}"
    names = re.findall(r'SECRET_HEADER = "HTTP_(\w+)"', (ROOT / "web" / "edge.py").read_text())
    assert names == [SECRET_HEADER.upper().replace("-", "_")]


def test_without_a_domain_the_address_is_cloudfronts(dev):
    config = distribution(dev)
    assert "Aliases" not in config
    assert "ViewerCertificate" not in config
    assert "WebACLId" not in config
    assert config["HttpVersion"] == "http2and3"


def test_a_stage_with_a_domain_refers_to_its_certificate_and_web_acl(tmp_path, synthesise):
    (tmp_path / "prod.toml").write_text(OWN)
    made = synthesise(stage="prod", stage_files=str(tmp_path))
    config = distribution(made)
    assert config["Aliases"] == ["todo.example.com"]
    assert config["ViewerCertificate"]["AcmCertificateArn"].endswith(":certificate/12ab")
    assert config["ViewerCertificate"]["MinimumProtocolVersion"] == "TLSv1.2_2021"
    assert config["WebACLId"].endswith("/webacl/todo/34cd")
    assert not made.resources("AWS::CertificateManager::Certificate")
    assert not made.resources("AWS::WAFv2::WebACL")
    assert made.template("EdgeStack")["Outputs"]["Address"]["Value"] == "https://todo.example.com"


def test_the_gateway_may_write_its_log(dev):
    role = dev.one("AWS::ApiGateway::Account")["CloudWatchRoleArn"].strip("<>").partition(".")[0]
    policies = dev.resources("AWS::IAM::Policy", "ApiStack").values()
    (policy,) = (p["Properties"] for p in policies if p["Properties"]["Roles"] == [f"<{role}>"])
    actions = policy["PolicyDocument"]["Statement"][0]["Action"]
    assert {"logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogGroups"} <= set(actions)
    assert dev.one("AWS::Logs::LogGroup", LogGroupName="/aws/apigateway/todo-dev")["RetentionInDays"] == 30


def test_a_line_of_the_gateways_log_has_the_common_shape_and_nothing_of_people():
    text = edge.access_format()
    assert "\n" not in text
    assert "$context.requestId" in text  # API Gateway asks for it
    assert not re.search(r"identity|\.path\b|authorizer", text)
    line = json.loads(re.sub(r"\$context\.[\w.]*\w", "7", text))
    assert list(line) == SHAPE
    assert line["duration_ms"] == line["status"] == 7


# --- Against the local AWS -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def account(tmp_path_factory):
    """A local AWS, to which boto3's clients of this process lead."""
    server = LocalAws(tmp_path_factory.mktemp("aws"), free_port())
    server.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", server.endpoint_url)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        yield server
    server.kill()


def build(folder, **files):
    for name, text in {"staticfiles": "{}", **files}.items():
        suffix = ".json" if name == "staticfiles" else ".css"
        (folder / f"{name}{suffix}").write_text(text)
    return folder


@pytest.mark.slow
def test_a_deployment_in_the_middle_leaves_old_pages_whole(account, tmp_path):
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="static-files")
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
    build(first, **{"app.111": "old", "same.333": "same"})
    (first / "app.111.css.gz").write_text("compressed")
    assert edge.upload_static(first, "static-files") == 2
    before = s3.head_object(Bucket="static-files", Key="static/app.111.css")
    assert before["CacheControl"] == edge.FOR_EVER
    assert before["ContentType"] == "text/css"
    build(second, **{"app.222": "new", "same.333": "same"})
    edge.upload_static(second, "static-files")

    def tags():
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket="static-files")["Contents"]]
        found = {key: s3.get_object_tagging(Bucket="static-files", Key=key)["TagSet"] for key in keys}
        return {key.removeprefix("static/"): bool(value) for key, value in found.items()}

    assert tags() == {"app.111.css": True, "app.222.css": False, "same.333.css": False}
    old = s3.get_object(Bucket="static-files", Key="static/app.111.css")
    assert old["Body"].read() == b"old"
    assert (old["ContentType"], old["CacheControl"]) == ("text/css", edge.FOR_EVER)
    # The days of the lifecycle count from when the file was superseded, and once only.
    edge.upload_static(second, "static-files")
    again = s3.head_object(Bucket="static-files", Key="static/app.111.css")
    assert again["LastModified"] == old["LastModified"]
    edge.upload_static(first, "static-files")  # back to the first
    assert tags() == {"app.111.css": False, "app.222.css": True, "same.333.css": False}


def test_superseded_files_expire_and_current_ones_never_do(dev):
    bucket = dev.one("AWS::S3::Bucket", BucketName="todo-dev-static-000000000000-us-east-1")
    expiring = [r for r in bucket["LifecycleConfiguration"]["Rules"] if "ExpirationInDays" in r]
    assert [rule["TagFilters"] for rule in expiring] == [[{"Key": "superseded", "Value": "true"}]]
    assert expiring[0]["ExpirationInDays"] >= 14


@pytest.mark.slow
def test_the_gateways_stage_gets_its_limits_and_its_log(account, monkeypatch):
    client = boto3.client("apigateway")
    api = client.create_rest_api(name="limits")["id"]
    deployment = client.create_deployment(restApiId=api)["id"]
    client.create_stage(restApiId=api, stageName="dev", deploymentId=deployment)
    monkeypatch.setattr(edge, "gateway", lambda settings: api)
    logs = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/apigateway/todo-dev"
    with pytest.raises(client.exceptions.BadRequestException, match="CloudWatch Logs role ARN"):
        edge.set_up_gateway(Settings("dev"), logs)
    role = boto3.client("iam").create_role(RoleName="gateway-logs", AssumeRolePolicyDocument="{}")["Role"]
    operation = {"op": "replace", "path": "/cloudwatchRoleArn", "value": role["Arn"]}
    client.update_account(patchOperations=[operation])
    edge.set_up_gateway(Settings("dev"), logs)
    stage = client.get_stage(restApiId=api, stageName="dev")
    limits = stage["methodSettings"]["*/*"]
    assert (limits["throttlingRateLimit"], limits["throttlingBurstLimit"]) == (100.0, 200)
    assert stage["accessLogSettings"] == {"destinationArn": logs, "format": edge.access_format()}
