"""SnapStart: what is imported before the snapshot is there in every copy, and what must be its own is made after it.

Nothing here can restore a snapshot of Lambda's: ``snapshot.py`` copies a process instead, in the application's
environment, with Zappa's handler from this one.
"""

import importlib.util
import json
import subprocess
from pathlib import Path

import pytest
from zappa.cli import ZappaCLI

from bench.offline import SIGN, ZAPPA_SETTINGS, Aws
from infra.settings import ROOT
from infra.web_package import COLLECT_ENVIRONMENT, HANDLER_PACKAGES

PYTHON = ROOT / ".venv" / "bin" / "python"


def handler_folder(folder):
    """Make the files that Zappa adds to the zip, from this environment."""
    for name in HANDLER_PACKAGES:
        spec = importlib.util.find_spec(name)
        (folder / name).symlink_to(Path(spec.origin).parent)
    (folder / "handler.py").symlink_to(folder / "zappa" / "handler.py")
    (folder / "zappa_settings.py").write_text(ZAPPA_SETTINGS % ("todo_site.settings", "todo_site.wsgi"))


def run(environment, *command):
    path = {"PATH": "/usr/bin:/bin", **environment}
    done = subprocess.run([str(PYTHON), *command], env=path, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1]), done.stdout + done.stderr


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    (public, token), _ = run({}, "-c", SIGN)
    aws = Aws(public)
    folder = tmp_path_factory.mktemp("handler")
    handler_folder(folder)
    base = json.loads((ROOT / "zappa_settings.json").read_text())["base"]["aws_environment_variables"]
    environment = {
        **{name: value for name, value in base.items() if "<" not in value},
        **COLLECT_ENVIRONMENT,
        "APP_URL": "https://site.invalid",
        **aws.environment,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
        "LOG_LEVEL": "ERROR",
        "PYTHONPATH": f"{ROOT}:{folder}",
    }
    report, errors = run(environment, str(Path(__file__).with_name("snapshot.py")), token)
    aws.stop()
    return report, errors, aws


def test_nothing_runs_and_nothing_is_connected_before_the_snapshot(snapshot):
    before = snapshot[0]["before"]
    assert before["instantiated"]
    assert (before["threads"], before["sockets"]) == (1, 0)


def test_copies_answer_and_import_nothing_more(snapshot):
    report, errors, _ = snapshot
    for copy in report["copies"]:
        assert copy, errors
        assert copy["statuses"] == [200, 401, 200], errors
        assert {name.partition(".")[0] for name in copy["loaded"]} <= {"django", "encodings", "stringprep"}


def test_copies_choose_different_random_values(snapshot):
    one, two = snapshot[0]["copies"]
    assert one["seeded"] == two["seeded"]  # the copies are true ones: Python's own generator goes on alike
    assert not set(one["unique"]) & set(two["unique"])


def test_each_copy_has_its_own_connections_credentials_and_keys(snapshot):
    calls = snapshot[2].calls
    assert sum(key == "keys" for key, _ in calls) == 2
    signed = {key for key, _ in calls} - {"keys"}
    ports = {key: {port for name, port in calls if name == key} for key in signed}
    assert len(signed) >= 2
    assert len(set.union(*ports.values())) == sum(map(len, ports.values()))


def test_time_between_snapshot_and_copy_counts_as_age(snapshot):
    report = snapshot[0]
    assert report["before"]["guarded"] == 1
    assert [copy["guarded"] for copy in report["copies"]] == [2, 2]


def test_one_line_turns_snapshots_on(tmp_path, monkeypatch):
    """Zappa then directs the gateway to its alias; it refuses fewer than two retained versions."""
    template = json.loads((ROOT / "zappa_settings.json").read_text())
    filled = {"aws_region": "us-east-1", "architecture": "arm64", "snap_start": "PublishedVersions"}
    for stage in ("dev", "prod"):
        section = template["base"] | template[stage] | filled
        section.pop("extends")
        monkeypatch.chdir(tmp_path)
        (tmp_path / "zappa_settings.json").write_text(json.dumps({stage: section}))
        zappa = ZappaCLI()
        zappa.api_stage = stage
        zappa.load_settings("zappa_settings.json")
        assert zappa.apigateway_lambda_qualifier == "snapstart"
