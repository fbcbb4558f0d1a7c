"""A stage's settings: its file in `infra/stages` is the one place for them, and what is wrong in it is named."""

import json

import pytest

from infra.settings import (
    STAGES,
    Domain,
    Jobs,
    Settings,
    SettingsError,
    Throttle,
    from_context,
    of_stage,
    read_file,
)

CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/0199d3a4-6f2e-7c41-9b1d-3f5a8e6c2d10"
WEB_ACL = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/todo/0199d3a4-6f2e-7c41-9b1d-3f5a8e6c2d10"
WHOLE = f"""
region = "eu-central-1"
alert_email = "pager@example.com"
suffix = "-eu"
engine = "glue"
architecture = "x86_64"
owner = "Team 7"
cost_center = "4711"
sender = "todo@example.com"
snap_start = true
cors_origins = ["https://app.example.com", "http://localhost:5173"]

[domain]
name = "todo.example.com"
certificate_arn = "{CERTIFICATE}"
web_acl_arn = "{WEB_ACL}"

[throttle]
rate = 50
burst = 75

[jobs]
worker_type = "G.2X"
workers = 10
minutes = 90
"""


@pytest.fixture
def file(tmp_path):
    """Return a function that writes a stage's file; context that names its folder."""

    def write(text, stage="prod"):
        (tmp_path / f"{stage}.toml").write_text(text)
        return {"stage": stage, "stage_files": str(tmp_path)}

    return write


def test_a_file_sets_everything_about_its_stage(file):
    assert from_context(file(WHOLE).get) == Settings(
        stage="prod",
        region="eu-central-1",
        alert_email="pager@example.com",
        suffix="-eu",
        engine="glue",
        architecture="x86_64",
        owner="Team 7",
        cost_center="4711",
        sender="todo@example.com",
        snap_start=True,
        cors_origins=("https://app.example.com", "http://localhost:5173"),
        domain=Domain("todo.example.com", CERTIFICATE, WEB_ACL),
        throttle=Throttle(50, 75),
        jobs=Jobs("G.2X", 10, 90),
    )


def test_an_empty_file_sets_nothing(file):
    assert from_context(file("").get) == Settings("prod")


@pytest.mark.parametrize("stage", STAGES)
def test_the_projects_own_files_are_allowed(stage):
    assert of_stage(stage).stage == stage


def test_context_replaces_what_a_file_says(file):
    given = {"engine": "embedded", "alert_email": "", "snap_start": "false", "protect": "false"}
    found = from_context({**file(WHOLE), **given}.get)
    assert (found.engine, found.alert_email, found.snap_start, found.protect) == (
        "embedded",
        "",
        False,
        False,
    )
    assert found.region == "eu-central-1"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('colour = "red"', "colour"),
        ("protect = false", "protect"),  # of one command, not of a stage
        ('engine = "emr"', "engine"),
        ("engine = 1", "engine"),
        ('engine = ["glue"]', "engine"),
        ('architecture = "arm"', "architecture"),
        ('region = "Frankfurt"', "region"),
        ("suffix = 1", "suffix"),
        ('suffix = "_eu"', "suffix"),
        ('suffix = "-' + "x" * 12 + '"', "suffix"),
        ('alert_email = "nobody"', "alert_email"),
        ('alert_email = "a@example.com\\n"', "alert_email"),
        ("alert_email = true", "alert_email"),
        ('sender = "Todo <todo@example.com>"', "sender"),
        ('owner = ""', "owner"),
        ('cost_center = "<stage>"', "cost_center"),
        ('snap_start = "true"', "snap_start"),
        ("snap_start = 1", "snap_start"),
        ('cors_origins = "https://a.example.com"', "cors_origins"),
        ('cors_origins = ["https://a.example.com/"]', "cors_origins"),
        ('cors_origins = ["*"]', "cors_origins"),
        ("cors_origins = [1]", "cors_origins"),
        (f"cors_origins = {json.dumps(['https://a.example.com'] * 21)}", "cors_origins"),
        ('domain = "todo.example.com"', "domain"),
        ('[domain]\nhost = "todo.example.com"', "domain: unknown: host"),
        ('[domain]\nname = "todo.example.com"', "domain: name and certificate_arn"),
        (f'[domain]\ncertificate_arn = "{CERTIFICATE}"', "domain: name and certificate_arn"),
        ('[domain]\nname = "https://todo.example.com"', "domain: name"),
        (
            f'[domain]\nname = "a.example.com"\ncertificate_arn = "{CERTIFICATE.replace("us-east-1", "eu-west-1")}"',
            "domain: certificate_arn",
        ),
        (f'[domain]\nweb_acl_arn = "{WEB_ACL.replace("global", "regional")}"', "domain: web_acl_arn"),
        ("[domain]\nname = 1", "domain: name"),
        ("[throttle]\nrate = 0", "throttle: rate"),
        ("[throttle]\nrate = true", "throttle: rate"),
        ("[throttle]\nrate = 1.5", "throttle: rate"),
        ("[throttle]\nburst = 5001", "throttle: burst"),
        ("[throttle]\nlimit = 5", "throttle: unknown: limit"),
        ("throttle = 5", "throttle"),
        ("[jobs]\nworkers = 1", "jobs: workers"),
        ("[jobs]\nminutes = 481", "jobs: minutes"),
        ('[jobs]\nworker_type = "Standard"', "jobs: worker_type"),
        ("engine = glue", "line 1"),  # no TOML
    ],
)
def test_a_file_that_is_wrong_is_named_with_its_key(file, text, named):
    with pytest.raises(SettingsError) as refused:
        from_context(file(text).get)
    assert "prod.toml: " in str(refused.value)
    assert named in str(refused.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"dev\.toml"):
        read_file(tmp_path / "dev.toml")


@pytest.mark.parametrize(
    "context", [{"stage": "test"}, {"stage": "../dev"}, {"engine": "emr"}, {"protect": "perhaps"}]
)
def test_a_context_that_is_not_allowed_stops_the_synthesis(file, context):
    with pytest.raises(SettingsError):
        from_context({**file("", "dev"), **context}.get)


def test_a_second_plain_deployment_changes_nothing(synthesise, file):
    """The pager and the engine are in the file, so a command without arguments has them again."""
    context = file(WHOLE)
    templates = []
    for run in ("first", "second"):
        assembly = synthesise(**context, run=run)
        templates.append({stack: assembly.template(stack) for stack in ("EtlStack", "MonitoringStack")})
    assert templates[0] == templates[1]
    assert assembly.one("AWS::SNS::Subscription")["Endpoint"] == "pager@example.com"
    assert assembly.resources("AWS::Glue::Job")
