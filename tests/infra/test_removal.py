"""A stage is removed with its data kept, and the data are erased later, by whoever asks, as often as they ask."""

import socket
import sys
from types import SimpleNamespace

import pytest

from infra import removal, tools
from infra.settings import Settings
from localcloud.server import LocalAws
from tests.infra.cloud import Cloud

pytestmark = pytest.mark.slow
KINDS = set(removal.DATA)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = LocalAws(tmp_path_factory.mktemp("aws"), port)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def cloud(server, monkeypatch):
    """The local AWS, which all clients of this process talk to."""
    monkeypatch.setattr(removal, "PAUSE_SECONDS", 0)
    cloud = Cloud(server.endpoint_url)
    variables = {
        "AWS_ENDPOINT_URL": server.endpoint_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    return cloud


def down(stage, erase=""):
    """Remove a stage; return what was said."""
    said = []
    removal.down(Settings(stage), erase=erase, confirmed=stage, say=said.append)
    return said


def plant(cloud, stage):
    """Make a resource of each kind that another stage, or another project, has."""
    mine, tags = {"Project": "todo-with-insights", "Environment": stage}, []
    tags = [{"Key": key, "Value": value} for key, value in mine.items()]
    cloud.client("dynamodb").create_table(
        TableName=f"other-{stage}",
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "PK", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=tags,
    )
    cloud.client("s3").create_bucket(Bucket=f"other-{stage}")
    cloud.client("s3").put_bucket_tagging(Bucket=f"other-{stage}", Tagging={"TagSet": tags})
    cloud.client("cognito-idp").create_user_pool(PoolName=f"other-{stage}", UserPoolTags=mine)
    cloud.client("secretsmanager").create_secret(Name=f"other-{stage}", SecretString="x", Tags=tags)
    keys = [{"TagKey": key, "TagValue": value} for key, value in mine.items()]
    cloud.client("kms").create_key(Tags=keys)


def test_what_a_removal_kept_is_found_and_erased_later(cloud, dev, capsys):
    """By a clone that knows the stage's name and nothing else"""
    cloud.deploy(dev.folder)
    plant(cloud, "prod")
    bronze = removal.find_kept(Settings("dev"))["AWS::S3::Bucket"][0]
    cloud.client("s3").put_object(Bucket=bronze, Key="cdc/a", Body=b"x")
    late = ["/aws/lambda/todo-cdc-processor", "/aws-glue/jobs/todo-dev-lake-role/todo-dev-lake-jobs/error"]
    other = "/aws/lambda/todo-cdc-processor-of-others"

    down("dev")
    kept = removal.find_kept(Settings("dev"))
    assert set(kept) == KINDS
    assert bronze in kept["AWS::S3::Bucket"]
    told = capsys.readouterr().out
    assert all(name in told for names in kept.values() for name in names)
    assert "make destroy STAGE=dev ERASE_DATA=dev" in told

    for name in (*late, other):
        cloud.client("logs").create_log_group(logGroupName=name)
    assert down("dev") == ["there is no stage dev"]
    assert removal.find_kept(Settings("dev")) == kept

    said = down("dev", erase="dev")
    assert removal.find_kept(Settings("dev")) == {}
    assert [f"deleting the log group {name}" for name in late] == [
        line for line in said if "log group" in line
    ]
    groups = [each["logGroupName"] for each in cloud.client("logs").describe_log_groups()["logGroups"]]
    assert other in groups
    assert not set(late) & set(groups)
    assert set(removal.find_kept(Settings("prod"))) == KINDS

    assert down("dev", erase="dev") == ["there is no stage dev"]


def test_a_stage_is_removed_with_its_data_at_once(cloud, dev):
    cloud.deploy(dev.folder)
    down("dev", erase="dev")
    assert removal.find_stacks(Settings("dev")) == []
    assert removal.find_kept(Settings("dev")) == {}
    assert "todo-app-data" not in cloud.client("dynamodb").list_tables()["TableNames"]


def test_an_erasure_that_was_cut_off_is_taken_up_again(cloud, monkeypatch):
    plant(cloud, "dev")
    whole = removal.delete_bucket

    def cut_off(_bucket):
        raise tools.ToolError("cut off")

    monkeypatch.setattr(removal, "delete_bucket", cut_off)
    with pytest.raises(tools.ToolError, match="cut off"):
        down("dev", erase="dev")
    assert set(removal.find_kept(Settings("dev"))) == KINDS - {"AWS::DynamoDB::Table"}
    monkeypatch.setattr(removal, "delete_bucket", whole)
    down("dev", erase="dev")
    assert removal.find_kept(Settings("dev")) == {}


@pytest.mark.parametrize(("erase", "confirmed"), [("dev", ""), ("dev", "prod"), ("prod", "dev")])
def test_kept_data_are_erased_only_if_the_stage_is_named(cloud, monkeypatch, erase, confirmed):
    plant(cloud, "dev")
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: False))
    with pytest.raises(tools.ToolError, match=r"[Nn]othing was removed"):
        removal.down(Settings("dev"), erase=erase, confirmed=confirmed, say=print)
    assert set(removal.find_kept(Settings("dev"))) == KINDS
    down("dev", erase="dev")


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_everything_that_is_kept_has_the_tags(request, stage):
    for kind in removal.DATA:
        for resource in request.getfixturevalue(stage).resources(kind).values():
            properties = resource["Properties"]
            tags = properties.get("UserPoolTags") or {
                each["Key"]: each["Value"] for each in properties["Tags"]
            }
            assert Settings(stage).identity.items() <= tags.items()


def test_the_names_of_all_log_groups_are_known(dev):
    from infra.names import Names

    groups = {each["Properties"]["LogGroupName"] for each in dev.resources("AWS::Logs::LogGroup").values()}
    assert groups <= set(Names(Settings("dev")).log_groups)
