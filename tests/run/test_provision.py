"""Provisioning the local AWS: complete, repeatable, and never hiding a loss."""

from __future__ import annotations

import json
import os
import stat

import pytest

from localcloud import accounts, provision
from localcloud.provision import Provisioner, ProvisionError
from tests.roles import OWNER

ENDPOINT = os.environ.get("AWS_ENDPOINT_URL", "")


@pytest.fixture
def directory(tmp_path):
    """A LOCAL_DIR that remembers the pool of this test process's local AWS."""
    (tmp_path / "provision.json").write_text(json.dumps({"USER_POOL_ID": os.environ["USER_POOL_ID"]}))
    (tmp_path / "secrets.json").write_text(json.dumps({"DEMO_PASSWORD": os.environ["DEMO_PASSWORD"]}))
    return tmp_path


def test_the_resources_exist():
    table = OWNER.client("dynamodb").describe_table(TableName=os.environ["TABLE_NAME"])["Table"]
    glue = OWNER.client("glue").get_tables(DatabaseName=os.environ["GLUE_DATABASE"])["TableList"]
    workgroup = OWNER.client("athena").get_work_group(WorkGroup=os.environ["ATHENA_WORKGROUP"])["WorkGroup"]
    firehose = OWNER.client("firehose").describe_delivery_stream(DeliveryStreamName=os.environ["CDC_STREAM"])

    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert {index["IndexName"] for index in table["GlobalSecondaryIndexes"]} == {
        f"GSI{n}" for n in range(1, 6)
    }
    assert {"cdc", "tasks", "users", "task_events", "business_metrics_kpis"} <= {one["Name"] for one in glue}
    assert workgroup["Configuration"]["ResultConfiguration"]["OutputLocation"] == (
        f"s3://{os.environ['GOLD_BUCKET']}/athena-results/"
    )
    assert firehose["DeliveryStreamDescription"]["DeliveryStreamStatus"] == "ACTIVE"


def test_items_expire_and_can_be_restored():
    dynamodb, name = OWNER.client("dynamodb"), os.environ["TABLE_NAME"]
    ttl = dynamodb.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = dynamodb.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]

    assert ttl == {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires_at"}
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"


def test_the_second_time_changes_nothing(directory):
    first = provision.provision(ENDPOINT, directory)
    second = provision.provision(ENDPOINT, directory)

    assert first == second
    assert first["USER_POOL_ID"] == os.environ["USER_POOL_ID"]
    assert first["CLIENT_ID"] == os.environ["CLIENT_ID"]


@pytest.mark.parametrize(
    ("name", "groups"), [("person", []), ("manager", ["managers"]), ("admin", ["admins"])]
)
@pytest.mark.parametrize("flow", ["USER_PASSWORD_AUTH", "ADMIN_USER_PASSWORD_AUTH"])
@pytest.mark.parametrize("by_email", [True, False])
def test_the_demo_accounts_sign_in(cognito, name, groups, flow, by_email):
    parameters = {
        "USERNAME": f"{name}@example.com" if by_email else name,
        "PASSWORD": os.environ["DEMO_PASSWORD"],
    }
    if flow.startswith("ADMIN"):
        answer = cognito.admin_initiate_auth(
            UserPoolId=os.environ["USER_POOL_ID"],
            ClientId=os.environ["CLIENT_ID"],
            AuthFlow=flow,
            AuthParameters=parameters,
        )
    else:
        answer = cognito.initiate_auth(
            ClientId=os.environ["CLIENT_ID"], AuthFlow=flow, AuthParameters=parameters
        )

    assert answer["AuthenticationResult"]["IdToken"]
    found = cognito.admin_list_groups_for_user(UserPoolId=os.environ["USER_POOL_ID"], Username=name)["Groups"]
    assert [group["GroupName"] for group in found] == groups


def test_an_email_address_is_not_taken_for_a_password(cognito):
    with pytest.raises(cognito.exceptions.NotAuthorizedException):
        cognito.initiate_auth(
            ClientId=os.environ["CLIENT_ID"],
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": "person@example.com", "PASSWORD": "Wrong-password-1"},
        )


def test_a_lost_user_pool_is_reported_and_not_replaced(tmp_path, cognito):
    (tmp_path / "provision.json").write_text(json.dumps({"USER_POOL_ID": "us-east-1_gone"}))
    before = cognito.list_user_pools(MaxResults=60)["UserPools"]

    with pytest.raises(ProvisionError, match=r"us-east-1_gone.*remove"):
        provision.provision(ENDPOINT, tmp_path)
    assert cognito.list_user_pools(MaxResults=60)["UserPools"] == before


def test_an_interrupted_first_start_goes_on_with_the_pool_it_made(tmp_path):
    (tmp_path / "secrets.json").write_text(json.dumps({"DEMO_PASSWORD": os.environ["DEMO_PASSWORD"]}))

    assert provision.provision(ENDPOINT, tmp_path)["USER_POOL_ID"] == os.environ["USER_POOL_ID"]


def test_where_the_lake_jobs_moved_a_table_is_kept(directory):
    glue, database = OWNER.client("glue"), os.environ["GLUE_DATABASE"]
    found = glue.get_table(DatabaseName=database, Name="users")["Table"]
    moved = {key: found[key] for key in ("Name", "TableType", "Parameters", "PartitionKeys")}
    original = found["StorageDescriptor"]
    changed = {**original, "Location": "s3://moved/here/", "Columns": original["Columns"][:-1]}
    glue.update_table(DatabaseName=database, TableInput={**moved, "StorageDescriptor": changed})
    try:
        Provisioner(ENDPOINT, directory).glue()
        now = glue.get_table(DatabaseName=database, Name="users")["Table"]["StorageDescriptor"]
    finally:
        glue.update_table(DatabaseName=database, TableInput={**moved, "StorageDescriptor": original})

    assert now["Location"] == "s3://moved/here/"
    assert now["Columns"] == original["Columns"]


def test_a_chosen_demo_password_replaces_the_old_one(directory, cognito, monkeypatch):
    before = os.environ["DEMO_PASSWORD"]

    def signs_in(password: str) -> bool:
        try:
            cognito.initiate_auth(
                ClientId=os.environ["CLIENT_ID"],
                AuthFlow="USER_PASSWORD_AUTH",
                AuthParameters={"USERNAME": "admin@example.com", "PASSWORD": password},
            )
        except cognito.exceptions.NotAuthorizedException:
            return False
        return True

    try:
        monkeypatch.setenv("DEMO_PASSWORD", "Another-one-1")
        assert provision.provision(ENDPOINT, directory)["DEMO_PASSWORD"] == "Another-one-1"
        assert signs_in("Another-one-1")
        assert not signs_in(before)
        monkeypatch.delenv("DEMO_PASSWORD")
        assert provision.provision(ENDPOINT, directory)["DEMO_PASSWORD"] == "Another-one-1"
    finally:
        monkeypatch.setenv("DEMO_PASSWORD", before)
        provision.provision(ENDPOINT, directory)


def test_a_demo_password_against_the_policy_is_refused_and_forgotten(directory, monkeypatch):
    monkeypatch.setenv("DEMO_PASSWORD", "short")
    with pytest.raises(ProvisionError, match="DEMO_PASSWORD"):
        provision.provision(ENDPOINT, directory)

    monkeypatch.delenv("DEMO_PASSWORD")
    assert provision.read_secrets(directory)["DEMO_PASSWORD"] != "short"


def test_random_passwords_satisfy_the_policy_and_differ():
    made = {accounts.new_password() for _ in range(50)}

    assert len(made) == 50
    for password in made:
        assert len(password) >= accounts.PASSWORD_POLICY["MinimumLength"]
        assert any(c.isupper() for c in password)
        assert any(c.islower() for c in password)
        assert any(c.isdigit() for c in password)


def test_the_secret_key_is_made_once_and_only_its_owner_may_read_it(tmp_path):
    first = provision.secret_key(tmp_path)

    assert provision.secret_key(tmp_path) == first
    assert len(first) >= 50
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600
