"""``manage.py write_zappa_settings``: from the outputs of the stacks to what Zappa deploys."""

import hashlib
import json
import os
import re
import subprocess
import sys
import uuid

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from tests.roles import OWNER
from todo_site.management.commands import write_zappa_settings

SECRET = "s3cret<with>brackets"
EDGE_SECRET = "sent-by-cloudfront"


@pytest.fixture(autouse=True)
def operator(monkeypatch):
    """The command signs as whoever deploys; the site as its function."""
    monkeypatch.setattr(write_zappa_settings, "boto3", OWNER)


@pytest.fixture
def template():
    return (settings.BASE_DIR / "zappa_settings.json").read_text()


@pytest.fixture
def outputs(tmp_path, template):
    """Outputs of the stacks, one for each that the template asks for, and the file that holds them."""
    values = {}
    for stack, name in re.findall(r"<(?:\w+:)?(\w+)\.(\w+)>", template):
        values.setdefault(f"todo-dev-{stack}", {})[name] = f"the-{name}"
    secret = OWNER.client("secretsmanager").create_secret(Name=f"test/{uuid.uuid4()}", SecretString=SECRET)
    edge = OWNER.client("secretsmanager").create_secret(Name=f"test/{uuid.uuid4()}", SecretString=EDGE_SECRET)
    arns = {"SecretKeyArn": secret["ARN"], "EdgeSecretArn": edge["ARN"]}
    values["todo-dev-ApiStack"] |= {"Region": "eu-west-1", **arns}
    return write(tmp_path, values)


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def write(folder, values):
    path = folder / "outputs.json"
    path.write_text(json.dumps(values))
    return path


def run(tmp_path, outputs, stage="dev", **options):
    target = tmp_path / "build" / "zappa_settings.json"
    call_command("write_zappa_settings", stage=stage, output=target, outputs=outputs, verbosity=0, **options)
    return target, json.loads(target.read_text())


def test_placeholders_are_filled_from_the_outputs(tmp_path, outputs):
    _, written = run(tmp_path, outputs, app_url="https://todo.example.com")
    assert list(written) == ["dev"]
    dev = written["dev"]
    assert dev["role_arn"] == "the-WebRoleArn"
    assert dev["aws_region"] == "eu-west-1"
    environment = dev["aws_environment_variables"]
    assert environment["APP_URL"] == "https://todo.example.com"
    assert environment["TABLE_NAME"] == "the-TableName"
    assert environment["EDGE_DIGESTS"] == digest(EDGE_SECRET)
    assert environment["SECRET_KEY_ARN"].startswith("arn:aws:secretsmanager:")
    assert environment["LAKE_MACHINE_ARN"] == "the-LakeMachineArn"


def test_every_mandatory_setting_is_given(tmp_path, outputs):
    from todo_site.settings_lint import MANDATORY

    _, written = run(tmp_path, outputs)
    given = set(written["dev"]["aws_environment_variables"])
    provided_otherwise = {"AWS_DEFAULT_REGION", "SECRET_KEY"}
    assert set(MANDATORY) - provided_otherwise <= given
    assert {"SECRET_KEY_ARN", "SECRET_KEY_VERSION"} <= given


def test_nothing_in_it_is_secret(tmp_path, outputs):
    """The function reads the key itself: whoever may describe the function does not see it."""
    target, written = run(tmp_path, outputs)
    assert SECRET not in target.read_text()
    assert EDGE_SECRET not in target.read_text()
    assert "SECRET_KEY" not in written["dev"]["aws_environment_variables"]


def shown(expression, tmp_path, outputs):
    """What the deployed site's settings say."""
    _, written = run(tmp_path, outputs, app_url="https://todo.example.com")
    local = {name: os.environ[name] for name in os.environ if name.startswith("AWS_")}
    given = {"DJANGO_SETTINGS_MODULE": "todo_site.settings", **local}
    done = subprocess.run(
        [sys.executable, "-c", f"from django.conf import settings as s; print({expression})"],
        env=given | written["dev"]["aws_environment_variables"],
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip() or done.stderr


def test_the_function_reads_its_key_when_it_first_needs_it(tmp_path, outputs):
    signed = "(signing := __import__('django.core.signing').core.signing).loads(signing.dumps(7))"
    assert shown(f"{signed}, s.SECRET_KEY", tmp_path, outputs) == f"7 {SECRET}"


def test_a_new_key_is_used_from_the_next_deployment_on(tmp_path, outputs):
    """Processes that run already keep theirs: all of a deployment sign with the same key."""
    arn = json.loads(outputs.read_text())["todo-dev-ApiStack"]["SecretKeyArn"]
    _, before = run(tmp_path, outputs)
    OWNER.client("secretsmanager").put_secret_value(SecretId=arn, SecretString="another")
    assert shown("s.SECRET_KEY", tmp_path, outputs) == "another"
    from web.secret_key import stored_in

    version = before["dev"]["aws_environment_variables"]["SECRET_KEY_VERSION"]
    assert str(stored_in(arn, version, "us-east-1", os.environ["AWS_ENDPOINT_URL"])) == SECRET


def test_while_the_edges_secret_changes_the_previous_one_is_known_too(tmp_path, outputs):
    """Otherwise everybody would be refused until CloudFront sends the new one, which takes minutes."""
    arn = json.loads(outputs.read_text())["todo-dev-ApiStack"]["EdgeSecretArn"]
    OWNER.client("secretsmanager").put_secret_value(SecretId=arn, SecretString="newer")
    _, written = run(tmp_path, outputs)
    known = written["dev"]["aws_environment_variables"]["EDGE_DIGESTS"]
    assert known == f"{digest('newer')},{digest(EDGE_SECRET)}"


def test_the_address_is_what_the_edge_says(tmp_path, outputs):
    values = json.loads(outputs.read_text())
    values["todo-dev-EdgeStack"] = {"Address": "https://d123.cloudfront.net"}
    _, written = run(tmp_path, write(tmp_path, values))
    assert written["dev"]["aws_environment_variables"]["APP_URL"] == "https://d123.cloudfront.net"


def test_before_the_first_deployment_the_address_is_one_that_leads_nowhere(tmp_path, outputs):
    _, written = run(tmp_path, outputs)
    assert written["dev"]["aws_environment_variables"]["APP_URL"].endswith(".invalid")


def test_what_is_missing_is_named_and_nothing_is_written(tmp_path, outputs):
    values = json.loads(outputs.read_text())
    del values["todo-dev-ApiStack"]["TableName"], values["todo-dev-ApiStack"]["SecretKeyArn"]
    missing = ", ".join(("ApiStack.SecretKeyArn", "ApiStack.TableName", "current:ApiStack.SecretKeyArn"))
    with pytest.raises(CommandError, match=missing):
        run(tmp_path, write(tmp_path, values))
    assert not (tmp_path / "build").exists()


def test_another_stages_outputs_are_not_used(tmp_path, outputs):
    with pytest.raises(CommandError, match=r"ApiStack\.TableName"):
        run(tmp_path, outputs, stage="prod")


def test_the_template_is_least_privilege_and_never_kept_warm(template):
    base = json.loads(template)["base"]
    assert base["manage_roles"] is False
    assert base["keep_warm"] is False
    assert base["use_precompiled_packages"] is False
    assert base["runtime"] == "python3.13"


@pytest.mark.parametrize("stage", ["dev", "prod"])
def test_snapshots_are_off_and_an_option_turns_them_on(tmp_path, outputs, stage):
    values = {name.replace("dev", stage): found for name, found in json.loads(outputs.read_text()).items()}
    known = write(tmp_path, values)
    _, written = run(tmp_path, known, stage)
    assert written[stage]["snap_start"] == "None"
    _, written = run(tmp_path, known, stage, snap_start=True)
    assert written[stage]["snap_start"] == "PublishedVersions"
    assert written[stage]["num_retained_versions"] == 2
    # Without it, the handler loads Django with the first request, and a snapshot would hold none of it.
    assert written[stage]["aws_environment_variables"]["INSTANTIATE_LAMBDA_HANDLER_ON_IMPORT"]
    assert written[stage]["app_function"] == "todo_site.wsgi.application"


def test_the_unfilled_template_cannot_start_the_app(template, monkeypatch):
    from django.core.exceptions import ImproperlyConfigured

    from web import env

    monkeypatch.setenv("TABLE_NAME", json.loads(template)["base"]["aws_environment_variables"]["TABLE_NAME"])
    with pytest.raises(
        ImproperlyConfigured, match=r"TABLE_NAME is not set\. Set it to the name of the table"
    ):
        env.required("TABLE_NAME", "the name of the table")


@pytest.mark.parametrize("value", ["soon", "-1", "inf", "nan", "1e400"])
def test_seconds_that_are_none_stop_the_app(monkeypatch, value):
    from django.core.exceptions import ImproperlyConfigured

    from web import env

    monkeypatch.setenv("GROUPS_SECONDS", value)
    with pytest.raises(ImproperlyConfigured, match="GROUPS_SECONDS"):
        env.seconds("GROUPS_SECONDS", 50)


@pytest.mark.parametrize("value", ["Mars/Olympus", "localtime", "Factory", "posix/UTC", "europe/berlin"])
def test_zones_that_are_none_stop_the_app(monkeypatch, value):
    from django.core.exceptions import ImproperlyConfigured

    from web import env

    monkeypatch.setenv("REPORTING_TIMEZONE", value)
    with pytest.raises(ImproperlyConfigured, match="REPORTING_TIMEZONE"):
        env.time_zone("REPORTING_TIMEZONE", "UTC")


def test_deployed_cookies_belong_to_one_host(tmp_path, outputs):
    """Their names make browsers refuse them from other hosts, and without TLS."""
    names = "s.SESSION_COOKIE_NAME, s.CSRF_COOKIE_NAME, s.SESSION_COOKIE_SECURE, s.SESSION_COOKIE_PATH"
    assert shown(names, tmp_path, outputs) == "__Host-session __Host-csrf True /"


def test_deployed_answers_insist_on_tls(tmp_path, outputs):
    names = "s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS, s.SECURE_HSTS_INCLUDE_SUBDOMAINS"
    assert shown(names, tmp_path, outputs) == f"True {365 * 24 * 3600} True"


def test_djangos_check_for_deployment_finds_nothing(tmp_path, outputs):
    """But for the key of this test, and browsers' preloaded lists: to be on one is for a domain's owner to decide."""
    checks = "__import__('django.core.checks').core.checks.run_checks(include_deployment_checks=True)"
    found = f"sorted(e.id for e in (__import__('django').setup(), {checks})[1] if not e.is_silenced())"
    assert shown(found, tmp_path, outputs) == "['security.W009', 'security.W021']"
