"""What a person can choose, what children inherit, and the file that other clients source."""

from __future__ import annotations

import os
import stat
import subprocess

import pytest

from localcloud.environment import client_variables, shell_without_aws, write_env_file
from localcloud.settings import ROOT, SettingError, read_settings

PROMISED = [
    "APP_URL",
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_DEFAULT_REGION",
    "TABLE_NAME",
    "USER_POOL_ID",
    "CLIENT_ID",
    "DEMO_PASSWORD",
]


def test_chosen_values_are_read():
    chosen = read_settings({"PORT": "8010", "LOCAL_AWS_PORT": "4576", "LOCAL_DIR": ".local-2", "DEMO": "0"})

    assert (chosen.port, chosen.aws_port, chosen.demo) == (8010, 4576, False)
    assert chosen.directory == ROOT / ".local-2"
    assert chosen.app_url == "http://127.0.0.1:8010"


def test_the_defaults_and_empty_variables_are_the_same():
    assert read_settings({}) == read_settings({"PORT": "", "LOCAL_AWS_PORT": "", "LOCAL_DIR": "", "DEMO": ""})
    assert (read_settings({}).port, read_settings({}).aws_port, read_settings({}).demo) == (8000, 4566, True)
    assert read_settings({}).directory == ROOT / ".local"


@pytest.mark.parametrize(
    ("value", "durable"), [("1", True), ("yes", True), ("", False), ("0", False), ("Off", False)]
)
def test_durability_is_asked_for(value, durable):
    assert read_settings({"DURABLE": value}).durable is durable
    assert not read_settings({}).durable


@pytest.mark.parametrize("value", ["0", "65536", "http", "-1", "80 80", "٨٠"])
@pytest.mark.parametrize("name", ["PORT", "LOCAL_AWS_PORT"])
def test_a_port_that_is_none_is_named(name, value):
    with pytest.raises(SettingError, match=name):
        read_settings({name: value})


def test_one_port_for_both_is_refused():
    with pytest.raises(SettingError, match="4566"):
        read_settings({"PORT": "4566"})


def test_children_cannot_reach_a_real_account():
    shell = {
        "PATH": "/usr/bin",
        "AWS_PROFILE": "work",
        "AWS_SESSION_TOKEN": "real",
        "AWS_ENDPOINT_URL_DYNAMODB": "https://elsewhere",
        "AWS_ACCESS_KEY_ID": "AKIAREAL",
        "DJANGO_SETTINGS_MODULE": "another.project",
        "PYTHONPATH": "/elsewhere",
        "HTTP_PROXY": "http://proxy:3128",
        "NO_PROXY": "intranet",
    }
    clean = shell_without_aws(shell)

    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_DYNAMODB", "AWS_ACCESS_KEY_ID"} & set(
        clean
    )
    assert not {"DJANGO_SETTINGS_MODULE", "PYTHONPATH"} & set(clean)
    assert clean["AWS_CONFIG_FILE"] == clean["AWS_SHARED_CREDENTIALS_FILE"] == os.devnull
    assert clean["NO_PROXY"].split(",") == ["intranet", "127.0.0.1", "localhost"]
    assert clean["PATH"] == "/usr/bin"


def test_a_shell_that_sources_the_env_file_has_every_variable(tmp_path):
    settings = read_settings({"LOCAL_DIR": str(tmp_path)})
    awkward = 'it\'s $HOME `id` "quoted" \\ #1'
    provisioned = {name: f"value of {name}" for name in PROMISED if name != "APP_URL"}
    variables = client_variables(settings, {**provisioned, "DEMO_PASSWORD": awkward})
    write_env_file(settings, variables)

    shown = subprocess.run(
        ["sh", "-c", f'AWS_PROFILE=work; export AWS_PROFILE; . "{settings.env_file}"; env -0'],
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"]},
    ).stdout.decode()
    sourced = dict(entry.split("=", 1) for entry in shown.split("\0") if entry)

    assert sourced["DEMO_PASSWORD"] == awkward
    assert sourced["APP_URL"] == "http://127.0.0.1:8000"
    assert {name: sourced[name] for name in variables} == variables
    assert set(PROMISED) <= set(variables)
    assert "AWS_PROFILE" not in sourced


def test_only_its_owner_may_read_the_env_file(tmp_path):
    settings = read_settings({"LOCAL_DIR": str(tmp_path)})
    settings.env_file.write_text("old")
    settings.env_file.chmod(0o644)
    write_env_file(settings, {"A": "b"})

    assert stat.S_IMODE(settings.env_file.stat().st_mode) == 0o600
    assert "export A='b'" in settings.env_file.read_text()
