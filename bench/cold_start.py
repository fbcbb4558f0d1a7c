"""First request in a new process, and package size: the packaged app, an empty Django app, and FastAPI with Mangum.

`.venv-infra/bin/python -m bench.cold_start [--rounds 15]` after `python -m infra.web_package`. All applications are
packaged in the same way (locked or current wheels for this processor, unchecked bytecode). Each process gets one event
of API Gateway, for one of four requests: health, sign-in page, own tasks without a token, and with a token that is
refused, because a request with a token does no more before it calls AWS. The applications take turns, so that a busy
machine slows all of them; the figures are medians, and the ratio is the result. The other two applications answer the
same addresses with constants.

`--instructions` counts instructions instead, once for each: valgrind (Debian's package of that name) runs the process,
and the count does not depend on how busy the machine is.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from infra.prebuild import compile_folders
from infra.rehearsal import PROCESSORS
from infra.settings import ROOT, Settings
from infra.web_package import COLLECT_ENVIRONMENT, HANDLER_PACKAGES, WebBuild, prune, size

PATHS = ("/health", "/login/", "/api/v1/tasks", "/api/v1/tasks Bearer x")
FILES = {
    "django": {
        "site.py": """
import os
from django.http import HttpResponse, JsonResponse
from django.urls import path
from django.core.wsgi import get_wsgi_application
SECRET_KEY, ROOT_URLCONF, ALLOWED_HOSTS, MIDDLEWARE, INSTALLED_APPS = "x", "site_", ["*"], [], []
urlpatterns = [
    path("health", lambda request: JsonResponse({"status": "healthy"})),
    path("login/", lambda request: HttpResponse("<form></form>")),
    path("api/v1/tasks", lambda request: JsonResponse({"status": 401}, status=401)),
]
""",
        "zappa_settings.py": "",
    },
    "fastapi": {
        "handler.py": """
from fastapi import FastAPI, Response
from fastapi.responses import HTMLResponse, JSONResponse
from mangum import Mangum
app = FastAPI()
@app.get("/health")
async def health() -> dict: return {"status": "healthy"}
@app.get("/login/")
async def login() -> HTMLResponse: return HTMLResponse("<form></form>")
@app.get("/api/v1/tasks")
async def tasks() -> JSONResponse: return JSONResponse({"status": 401}, status_code=401)
lambda_handler = Mangum(app, lifespan="off")
""",
    },
}
DJANGO = ("--no-deps", "django", *HANDLER_PACKAGES, "boto3", "asgiref", "sqlparse", "botocore", "jmespath")
PACKAGES = {
    "django": (*DJANGO, "python-dateutil", "six", "s3transfer", "urllib3"),
    "fastapi": ("fastapi", "mangum", "boto3"),
}
# The settings that Zappa writes into the zip.
ZAPPA_SETTINGS = """
LOG_LEVEL = "WARNING"; PROJECT_NAME = "todo"; API_STAGE = "dev"; DOMAIN = None; DEBUG = False
BINARY_SUPPORT = True; BASE_PATH = None; ENVIRONMENT_VARIABLES = {}; CONTEXT_HEADER_MAPPINGS = {}
COGNITO_TRIGGER_MAPPING = {}; AWS_EVENT_MAPPING = {}; EXCEPTION_HANDLER = None; AWS_BOT_EVENT_MAPPING = {}
AUTHORIZER_FUNCTION = None; ADDITIONAL_TEXT_MIMETYPES = []; APP_TYPE = "wsgi"
DJANGO_SETTINGS = "%s"
"""
WORKER = """
import json, sys, time
started = time.perf_counter()
import handler
loaded = time.perf_counter()
class Context: aws_request_id = "1"; function_name = "todo"; invoked_function_arn = ""
def event(asked):
    path, _, authorization = asked.partition(" ")
    headers = {"Authorization": authorization} if authorization else {}
    headers |= {"Host": "x.execute-api.us-east-1.amazonaws.com", "X-Forwarded-Proto": "https", "Accept": "*/*"}
    return {"resource": "/{proxy+}", "path": path, "httpMethod": "GET", "headers": headers,
        "multiValueHeaders": {k: [v] for k, v in headers.items()}, "queryStringParameters": None,
        "multiValueQueryStringParameters": None, "pathParameters": None, "stageVariables": None, "body": None,
        "isBase64Encoded": False, "requestContext": {"stage": "dev", "path": "/dev" + path, "httpMethod": "GET",
        "identity": {"sourceIp": "127.0.0.1"}, "resourcePath": "/{proxy+}"}}
status = handler.lambda_handler(event(sys.argv[1]), Context())["statusCode"]
print("\\n" + json.dumps({"status": status, "first": time.perf_counter() - started, "cpu": time.process_time()}))
"""


class Contestant:
    """A packaged application: the folders on its path, and its settings."""

    def __init__(self, name: str, folders: list[Path], environment: dict[str, str]) -> None:
        self.name, self.folders, self.environment = name, folders, environment
        self.runs: dict[str, list[dict[str, float]]] = {path: [] for path in PATHS}

    def run(self, address: str) -> None:
        """Request one address from a new process, and keep its measurements."""
        done = self._process([sys.executable], address)
        self.runs[address].append(json.loads(done.stdout.strip().splitlines()[-1]))

    def instructions(self, address: str) -> int:
        """Count the instructions of a new process that answers one request."""
        tool = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
        # The interpreter itself, because valgrind does not follow a virtual environment's launcher.
        said = self._process([*tool, os.path.realpath(sys.executable)], address).stderr
        return int(re.findall(r"Collected : (\d+)", said)[0])

    def _process(self, python: list[str], address: str) -> subprocess.CompletedProcess[str]:
        paths = {"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(map(str, self.folders))}
        done = subprocess.run(
            [*python, "-S", "-c", WORKER, address],
            env={**paths, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", **self.environment},
            cwd=self.folders[0],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(f"{self.name}: {done.stderr[-2000:]}")
        return done

    def median(self, address: str, measurement: str) -> float:
        """Return the median of a measurement for one address, in milliseconds."""
        return statistics.median(run[measurement] for run in self.runs[address]) * 1000

    def mebibytes(self) -> float:
        """Return the unpacked size without Plotly.js, and without the zips that a deployment leaves in its tree."""
        zips = sum(path.stat().st_size for path in self.folders[-2].glob("*.zip"))
        return (size(*self.folders, without="*plotly*") - zips) / 2**20


def product(folder: Path) -> Contestant:
    """Return the application as `infra.web_package` built it, with Zappa's handler."""
    tree = WebBuild(Settings("dev").build, PROCESSORS[platform.machine().lower()])
    if not tree.app.exists():
        raise SystemExit(f"build it first: python -m infra.web_package {tree.architecture}")
    add_handler(folder / "handler", "todo_site.settings")
    tree.compile()
    deployed = json.loads((ROOT / "zappa_settings.json").read_text())["base"]["aws_environment_variables"]
    settings = {
        **{name: value for name, value in deployed.items() if "<" not in value},
        **COLLECT_ENVIRONMENT,
        "APP_URL": "https://x.execute-api.us-east-1.amazonaws.com/dev",
        "STATIC_URL": "/dev/static/",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "LOG_LEVEL": "ERROR",
    }
    return Contestant("this app", [folder / "handler", tree.app, tree.packages], settings)


def other(name: str, folder: Path) -> Contestant:
    """Package an application that answers with constants in the same way."""
    app, packages = folder / name / "app", folder / name / "packages"
    app.mkdir(parents=True)
    for file, text in FILES[name].items():
        (app / file.replace("site.py", "site_.py")).write_text(text)
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--no-compile", f"--target={packages}"]
    subprocess.run([*pip, *PACKAGES[name]], check=True)
    if name == "django":
        add_handler(app, "site_")
    prune(packages)
    compile_folders(app, packages)
    return Contestant(name, [app, packages], {"DJANGO_SETTINGS_MODULE": "site_"} if name == "django" else {})


def add_handler(app: Path, settings: str) -> None:
    """Add the files that Zappa adds to the zip."""
    import zappa

    app.mkdir(exist_ok=True)
    own = Path(zappa.__file__).parent
    shutil.copyfile(own / "handler.py", app / "handler.py")
    shutil.copyfile(own / "ext" / "django_zappa.py", app / "django_zappa_app.py")
    (app / "zappa_settings.py").write_text(ZAPPA_SETTINGS % settings)
    compile_folders(app)


def main() -> None:
    """Measure, and print a Markdown table."""
    parser = argparse.ArgumentParser(prog="python -m bench.cold_start", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--instructions", action="store_true", help="count instructions, under valgrind")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cold-start-") as folder:
        contestants = [product(Path(folder)), other("django", Path(folder)), other("fastapi", Path(folder))]
        if options.instructions:
            count(contestants)
            return
        for _ in range(options.rounds + 1):
            for address in PATHS:
                for contestant in contestants:
                    contestant.run(address)
        report(contestants, options.rounds)


def count(contestants: list[Contestant]) -> None:
    """Print instructions, in millions, and their ratios."""
    print("| first request | | million instructions | ratio |\n|---|---|---:|---:|")
    for address in PATHS:
        counts = {each.name: each.instructions(address) / 1e6 for each in contestants}
        for name, found in counts.items():
            print(f"| {address} | {name} | {found:,.0f} | {found / counts['django']:.2f} |", flush=True)


def report(contestants: list[Contestant], rounds: int) -> None:
    """Print sizes and times, without the first round, which only fills the file cache."""
    for contestant in contestants:
        for runs in contestant.runs.values():
            del runs[0]
    django = next(contestant for contestant in contestants if contestant.name == "django")
    titles = ["first request", f"{rounds} rounds", "MiB", "status", "answer (ms)", "ratio"]
    titles += ["processor (ms)", "ratio"]
    print(f"| {' | '.join(titles)} |")
    print("|---" * len(titles) + "|")
    for address in PATHS:
        for each in contestants:
            cells = [address, each.name, f"{each.mebibytes():.1f}", str(each.runs[address][0]["status"])]
            for what in ("first", "cpu"):
                time = each.median(address, what)
                cells += [f"{time:.0f}", f"{time / django.median(address, what):.2f}"]
            print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
