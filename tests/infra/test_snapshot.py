"""SnapStart: what is imported before the snapshot is there in every copy, and what must be its own is made after it.

Nothing here can restore a snapshot of Lambda's: ``snapshot.py`` copies a process instead, in the application's
environment, with Zappa's handler from this one.
"""

import importlib.util
import json
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from zappa.cli import ZappaCLI

from infra.settings import ROOT
from infra.web_package import COLLECT_ENVIRONMENT, HANDLER_PACKAGES

PYTHON = ROOT / ".venv" / "bin" / "python"
ISSUER = "https://pool.invalid"
SIGN = """
import json, sys, time, jwt
from cryptography.hazmat.primitives.asymmetric import rsa
key = rsa.generate_private_key(65537, 2048)
now = int(time.time())
claims = {"iss": sys.argv[1], "sub": "0199d3a4-6f2e-7c41-9b1d-3f5a8e6c2d10", "token_use": "access", "client_id": "unset"}
claims |= {"iat": now, "exp": now + 3600, "username": "ann"}
public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())) | {"kid": "1", "use": "sig", "alg": "RS256"}
print(json.dumps([public, jwt.encode(claims, key, "RS256", headers={"kid": "1"})]))
"""
# The settings that Zappa writes into the zip.
ZAPPA_SETTINGS = """
LOG_LEVEL = "WARNING"; PROJECT_NAME = "todo"; API_STAGE = "dev"; DOMAIN = None; DEBUG = False
BINARY_SUPPORT = True; BASE_PATH = None; ENVIRONMENT_VARIABLES = {}; CONTEXT_HEADER_MAPPINGS = {}
COGNITO_TRIGGER_MAPPING = {}; AWS_EVENT_MAPPING = {}; EXCEPTION_HANDLER = None; AWS_BOT_EVENT_MAPPING = {}
AUTHORIZER_FUNCTION = None; ADDITIONAL_TEXT_MIMETYPES = []; APP_TYPE = "wsgi"
DJANGO_SETTINGS = "todo_site.settings"; APP_MODULE = "todo_site.wsgi"; APP_FUNCTION = "application"
"""


class Aws:
    """Answers every request: no items, the pool's key, and new credentials each time. Keeps who asked for what."""

    def __init__(self, public_key):
        self.calls, self.credentials = [], 0
        aws = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                body = json.dumps(aws.answer(self.path, self.client_address[1], self.headers)).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.public_key = public_key
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, port, headers):
        if path == "/credentials":
            self.credentials += 1
            until = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
            named = {"AccessKeyId": f"KEY{self.credentials}", "SecretAccessKey": "x", "Token": "x"}
            return named | {"Expiration": until}
        if path == "/keys":
            self.calls.append(("keys", port))
            return {"keys": [self.public_key]}
        key = headers["Authorization"].partition("Credential=")[2].partition("/")[0]
        self.calls.append((key, port))
        return {"Items": [], "Count": 0, "ScannedCount": 0, "Attributes": {"used": {"N": "1"}}}


def handler_folder(folder):
    """Make the files that Zappa adds to the zip, from this environment."""
    for name in HANDLER_PACKAGES:
        spec = importlib.util.find_spec(name)
        (folder / name).symlink_to(Path(spec.origin).parent)
    (folder / "handler.py").symlink_to(folder / "zappa" / "handler.py")
    (folder / "zappa_settings.py").write_text(ZAPPA_SETTINGS)


def run(environment, *command):
    path = {"PATH": "/usr/bin:/bin", **environment}
    done = subprocess.run([str(PYTHON), *command], env=path, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1]), done.stdout + done.stderr


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    (public, token), _ = run({}, "-c", SIGN, ISSUER)
    aws = Aws(public)
    folder = tmp_path_factory.mktemp("handler")
    handler_folder(folder)
    base = json.loads((ROOT / "zappa_settings.json").read_text())["base"]["aws_environment_variables"]
    environment = {
        **{name: value for name, value in base.items() if "<" not in value},
        **COLLECT_ENVIRONMENT,
        "APP_URL": "https://site.invalid/dev",
        "STATIC_URL": "/dev/static/",
        "COGNITO_ISSUER": ISSUER,
        "COGNITO_JWKS_URL": f"{aws.url}/keys",
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{aws.url}/credentials",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start",
        "LOG_LEVEL": "ERROR",
        "PYTHONPATH": f"{ROOT}:{folder}",
    }
    report, errors = run(environment, str(Path(__file__).with_name("snapshot.py")), token)
    aws.server.shutdown()
    aws.server.server_close()
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
